# Sourced by test-images and measure-images: runs Python in an image, in the conditions of a sandbox: no network, a
# read-only root, no capabilities, a user of its own, our seccomp profile.

# The last of the users that images/base makes.
readonly SANDBOX_USER=54095

readonly SANDBOX=(--network none --read-only --user "$SANDBOX_USER:100" --cap-drop ALL --security-opt no-new-privileges
    --security-opt seccomp=src/sandbox/docker/seccomp.json
    --tmpfs '/tmp:exec,size=64m,mode=1777' --tmpfs "/home/jovyan:exec,size=64m,uid=$SANDBOX_USER,gid=100"
    --pids-limit 256 --memory 512m --memory-swap 512m --cpus 1)

# The folder goes in through stdin: it could not be mounted from an engine that is elsewhere.
readonly UNPACK_AND_RUN='mkdir /tmp/tests && tar --extract --directory /tmp/tests && cd ~ &&
    PYTHONPATH=/tmp/tests:/tmp/tests/library exec /opt/conda/bin/python "$@"'
# It speaks to kernels through pyzmq, which not every image has; it is taken out of one that has.
readonly FIND_ZMQ='cd "$(python -c "import sysconfig; print(sysconfig.get_path(\"purelib\"))")" && tar --create --exclude __pycache__ zmq pyzmq.libs'
readonly WITH_ZMQ=cellblock/small_kernel

label() { docker image inspect --format "{{index .Config.Labels \"cellblock.$2\"}}" "cellblock/$1"; }

# Puts into a folder what every test needs.
gather_client() {
    local folder=$1
    cp images/conformance/*.py "$folder"
    mkdir "$folder/library"
    docker run --rm --entrypoint /bin/bash "$WITH_ZMQ" -c "$FIND_ZMQ" | tar --extract --directory "$folder/library"
}

# Runs `python ARGUMENTS…` in an environment's image, with the folder as /tmp/tests.
run_in_sandbox() {
    local environment=$1 folder=$2
    shift 2
    tar --create --exclude __pycache__ --directory "$folder" . |
        docker run --rm --interactive "${SANDBOX[@]}" --env KERNELSPEC="$(label "$environment" kernelspec)" \
            --entrypoint /bin/bash "cellblock/$environment" -c "$UNPACK_AND_RUN" python "$@"
}
