//! The sockets of a kernel, and what it answers.

use bytes::Bytes;
use cellblock_link::message::{Channel, KernelMessage};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use zeromq::{PubSocket, RouterSocket, Socket, SocketRecv, SocketSend, ZmqMessage};

/// A connection file.
#[derive(Clone, Debug, Deserialize)]
pub struct Ports {
    pub key: String,
    pub shell_port: u16,
    pub control_port: u16,
    pub stdin_port: u16,
    pub iopub_port: u16,
}

impl Ports {
    pub fn parse(file: &str) -> Ports {
        serde_json::from_str(file).unwrap()
    }
}

/// A kernel that does what its code says: `print SIZE COUNT` or `echo`.
///
/// Its first two answers are published to nobody, as if the subscription had not arrived yet.
pub struct FakeKernel {
    pub ports: Ports,
    /// Everything that came, and on which channel.
    pub requests: mpsc::UnboundedReceiver<(Channel, Value)>,
    _tasks: JoinSet<()>,
}

impl FakeKernel {
    pub async fn serve(ports: Ports) -> FakeKernel {
        let (seen, requests) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let iopub = publish(ports.iopub_port).await;
        let shell = router(ports.shell_port).await;
        tasks.spawn(
            Serving {
                key: ports.key.clone(),
                seen: seen.clone(),
                iopub,
                unpublished: 2,
            }
            .run(shell),
        );
        for (channel, port) in [
            (Channel::Control, ports.control_port),
            (Channel::Stdin, ports.stdin_port),
        ] {
            let (mut socket, seen) = (router(port).await, seen.clone());
            tasks.spawn(async move {
                while let Ok(message) = socket.recv().await {
                    seen.send((channel, header(&message))).unwrap();
                }
            });
        }
        FakeKernel {
            ports,
            requests,
            _tasks: tasks,
        }
    }
}

async fn router(port: u16) -> RouterSocket {
    let mut socket = RouterSocket::new();
    socket
        .bind(&format!("tcp://127.0.0.1:{port}"))
        .await
        .unwrap();
    socket
}

pub async fn publish(port: u16) -> PubSocket {
    let mut socket = PubSocket::new();
    socket
        .bind(&format!("tcp://127.0.0.1:{port}"))
        .await
        .unwrap();
    socket
}

fn header(message: &ZmqMessage) -> Value {
    serde_json::from_slice(message.get(3).unwrap()).unwrap()
}

struct Serving {
    key: String,
    seen: mpsc::UnboundedSender<(Channel, Value)>,
    iopub: PubSocket,
    unpublished: u32,
}

impl Serving {
    async fn run(mut self, mut shell: RouterSocket) {
        while let Ok(message) = shell.recv().await {
            let header = header(&message);
            self.seen.send((Channel::Shell, header.clone())).unwrap();
            let content: Value = serde_json::from_slice(message.get(6).unwrap()).unwrap();
            self.publish("status", &header, &json!({"execution_state": "busy"}))
                .await;
            if let Some(code) = content["code"].as_str() {
                self.execute(code, &header).await;
            }
            self.publish("status", &header, &json!({"execution_state": "idle"}))
                .await;
            let reply = match header["msg_type"].as_str().unwrap() {
                "kernel_info_request" => (
                    "kernel_info_reply",
                    json!({"status": "ok", "banner": "fake"}),
                ),
                _ => ("execute_reply", json!({"status": "ok"})),
            };
            let mut parts = self.sign(reply.0, &header, &reply.1);
            parts.insert(0, message.get(0).unwrap().clone());
            shell
                .send(ZmqMessage::try_from(parts).unwrap())
                .await
                .unwrap();
            self.unpublished = self.unpublished.saturating_sub(1);
        }
    }

    async fn execute(&mut self, code: &str, parent: &Value) {
        let words: Vec<&str> = code.split(' ').collect();
        if let ["print", size, count] = words[..] {
            let content = json!({"text": "x".repeat(size.parse().unwrap())});
            for _ in 0..count.parse().unwrap() {
                self.publish("stream", parent, &content).await;
            }
        }
    }

    async fn publish(&mut self, msg_type: &str, parent: &Value, content: &Value) {
        if self.unpublished > 0 {
            return;
        }
        let mut parts = self.sign(msg_type, parent, content);
        parts.insert(0, Bytes::from_static(b"a topic"));
        parts.push(Bytes::from_static(b"\0a buffer"));
        self.iopub
            .send(ZmqMessage::try_from(parts).unwrap())
            .await
            .unwrap();
    }

    fn sign(&self, msg_type: &str, parent: &Value, content: &Value) -> Vec<Bytes> {
        let header = json!({"msg_id": "of the kernel", "msg_type": msg_type});
        let parts =
            [&header, parent, &json!({}), content].map(|part| Bytes::from(part.to_string()));
        let mut signing = Hmac::<Sha256>::new_from_slice(self.key.as_bytes()).unwrap();
        parts.iter().for_each(|part| signing.update(part));
        let signature = hex::encode(signing.finalize().into_bytes());
        let mut message = vec![Bytes::from_static(b"<IDS|MSG>"), signature.into()];
        message.extend(parts);
        message
    }
}

/// A client's request.
pub fn request(channel: Channel, msg_type: &str, code: &str) -> KernelMessage {
    let header =
        json!({"msg_id": format!("{msg_type} {code}"), "msg_type": msg_type, "unknown": [1]});
    let parts = [header, json!({}), json!({}), json!({"code": code})];
    KernelMessage {
        sequence: 0,
        channel,
        parts: parts.map(|part| Bytes::from(part.to_string())).to_vec(),
    }
}
