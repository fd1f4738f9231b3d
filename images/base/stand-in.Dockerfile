# Stands in for quay.io/jupyter/base-notebook where no registry can be pulled from: the same user, the same paths, the
# same entry conventions. JupyterLab, notebook, hub and conda are left out, for no sandbox ever starts them, and so is
# ipykernel, which the environments that want it install in the version they pin.
#
# DEBIAN_IMAGE is made by scripts/build-images with debootstrap. Nothing here speaks TLS, so this layer needs no
# certificates; they come with images/base/Dockerfile.
ARG DEBIAN_IMAGE=debian:trixie-slim
FROM ${DEBIAN_IMAGE}

ARG NB_USER=jovyan
ARG NB_UID=1000
ARG NB_GID=100

ENV DEBIAN_FRONTEND=noninteractive \
    CONDA_DIR=/opt/conda \
    SHELL=/bin/bash \
    NB_USER=${NB_USER} \
    NB_UID=${NB_UID} \
    NB_GID=${NB_GID} \
    LC_ALL=C.UTF-8 \
    LANG=C.UTF-8 \
    LANGUAGE=C.UTF-8
ENV PATH=${CONDA_DIR}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/home/${NB_USER}

SHELL ["/bin/bash", "-o", "pipefail", "-c"]

RUN apt-get update --yes \
 && apt-get install --yes --no-install-recommends \
      bzip2 ca-certificates netbase python3 python3-venv sudo tini wget \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log

# /opt/conda is a plain virtual environment; what base-notebook lets the user write to, so does this.
RUN useradd --no-log-init --create-home --shell /bin/bash --uid "${NB_UID}" --no-user-group --gid "${NB_GID}" "${NB_USER}" \
 && python3 -m venv "${CONDA_DIR}" \
 && mkdir -p "${CONDA_DIR}/share/jupyter/kernels" "${HOME}/work" \
 && chown -R "${NB_UID}:${NB_GID}" "${CONDA_DIR}" "${HOME}"

USER ${NB_UID}
WORKDIR ${HOME}
ENTRYPOINT ["tini", "-g", "--"]
