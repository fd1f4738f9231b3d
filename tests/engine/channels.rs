//! A client on a kernel's WebSocket, in the v1 framing.

use bytes::Bytes;
use cellblock::jupyter::framing::V1_SUBPROTOCOL;
use cellblock::jupyter::{ChannelName, Framed, Framing, Incoming, Outgoing, execute_request};
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::support::{SOON, Service};

/// An open WebSocket.
pub struct Channels(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Channels {
    /// Connects as the client `session` to a kernel.
    pub async fn connect(service: &Service, kernel: &str, session: &str) -> Channels {
        let path = format!("/api/kernels/{kernel}/channels?session_id={session}");
        let url = service.url(&path).replacen("http", "ws", 1);
        let mut request = url.into_client_request().unwrap();
        let v1 = HeaderValue::from_static(V1_SUBPROTOCOL);
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, v1);
        let config = WebSocketConfig::default().max_frame_size(None);
        let connecting = connect_async_with_config(request, Some(config), true);
        Channels(connecting.await.unwrap().0)
    }

    /// Has code run; the request's id.
    pub async fn execute(&mut self, code: &str) -> String {
        let (id, parts) = execute_request(code);
        self.send(ChannelName::Shell, &parts).await;
        id
    }

    /// Sends a message.
    pub async fn send(&mut self, channel: ChannelName, parts: &[Bytes]) {
        let Ok(Outgoing::Binary(message)) = Framing::V1.encode(channel, parts) else {
            panic!("v1 is binary");
        };
        self.0.send(Message::Binary(message)).await.unwrap();
    }

    /// The next message; None: the connection is lost or closed.
    pub async fn next(&mut self) -> Option<Framed> {
        let next = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Binary(message))) => {
                        return Some(Framing::V1.decode(Incoming::Binary(message)).unwrap());
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                    // What only keeps the connection alive is no message.
                    Some(Ok(_)) => {}
                }
            }
        };
        timeout(SOON, next).await.expect("in time")
    }
}

/// A session of the environment; its id.
pub async fn session(service: &Service, environment: &str) -> String {
    let body = serde_json::json!({ "execution_environment": environment });
    let request = service.client().post(service.url("/jupyter/sessions"));
    let answer = request.json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let session: Value = answer.json().await.unwrap();
    session["id"].as_str().unwrap().to_owned()
}
