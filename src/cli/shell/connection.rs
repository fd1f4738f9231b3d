//! The shell's side of the API: a session over REST, its kernel's messages over a WebSocket.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use cellblock::jupyter::framing::V1_SUBPROTOCOL;
use cellblock::jupyter::{
    ChannelName, Framing, Incoming, MessageView, Outgoing, execute_request, input_reply,
    is_complete_request,
};
use futures::{SinkExt, StreamExt};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Making a session includes starting a sandbox, and perhaps waiting for one.
const ANSWERS_WITHIN: Duration = Duration::from_secs(180);

/// A kernel that runs code does not say whether other code is complete.
const COMPLETE_WITHIN: Duration = Duration::from_secs(1);

/// A service.
pub(super) struct Server {
    client: Client,
    url: String,
    key: Option<HeaderValue>,
}

/// What is heard of the code that runs.
pub(super) enum Heard {
    /// An output: its message's type and content.
    Output(String, Value),
    /// The code asks for a line.
    Question {
        prompt: String,
        /// Of the message that asks.
        header: Bytes,
    },
    /// The kernel ended under it: how that went on.
    Ended(&'static str),
    /// It is done; the kernel's count.
    Done(Option<u64>),
}

impl Server {
    pub(super) fn new(url: &str, key: Option<String>) -> anyhow::Result<Server> {
        // reqwest and the WebSocket share it. That somebody has set one already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = key.map(|key| HeaderValue::try_from(format!("token {key}")));
        Ok(Server {
            client: Client::builder().timeout(ANSWERS_WITHIN).build()?,
            url: url.trim_end_matches('/').to_owned(),
            key: key.transpose().context("the API key")?,
        })
    }

    /// Makes a session; its id.
    pub(super) async fn create(&self, environment: &str) -> anyhow::Result<String> {
        let body = json!({ "execution_environment": environment, "name": "cellblock shell" });
        let answer = self
            .ask(Method::POST, "/jupyter/sessions", Some(body))
            .await?;
        let session: Value = answer.json().await?;
        let id = session["id"]
            .as_str()
            .context("the answer names no session")?;
        Ok(id.to_owned())
    }

    /// Ends it. One that has ended already is ended.
    pub(super) async fn end(&self, session: &str) -> anyhow::Result<()> {
        let request = self.request(Method::DELETE, &format!("/jupyter/sessions/{session}"));
        let answer = request.send().await.with_context(|| self.url.clone())?;
        if answer.status().is_success() || answer.status() == 404 {
            return Ok(());
        }
        bail!("the session was not ended: {}", answer.status())
    }

    /// Opens the kernel's messages.
    pub(super) async fn connect(&self, session: &str) -> anyhow::Result<Connection> {
        let path = format!("/api/kernels/{session}/channels");
        let url = format!("{}{path}", self.url.replacen("http", "ws", 1));
        let mut request = url.as_str().into_client_request()?;
        let headers = request.headers_mut();
        headers.insert(
            SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(V1_SUBPROTOCOL),
        );
        if let Some(key) = &self.key {
            headers.insert(AUTHORIZATION, key.clone());
        }
        let (socket, _) = connect_async(request).await.with_context(|| url.clone())?;
        let interrupt = self.request(
            Method::POST,
            &format!("/jupyter/sessions/{session}/interrupt"),
        );
        Ok(Connection {
            socket,
            interrupt,
            request: String::new(),
            count: None,
            replied: false,
            idle: false,
        })
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.key {
            Some(key) => request.header(AUTHORIZATION, key.clone()),
            None => request,
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Response> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await;
        let answer = answer.with_context(|| {
            format!(
                "{} does not answer; is the service running there? (cellblock serve)",
                self.url
            )
        })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let problem: Value = answer.json().await.unwrap_or_default();
        bail!("{status}: {}", reason(&problem))
    }
}

/// What a problem says, its fields included.
fn reason(problem: &Value) -> String {
    let errors = problem["errors"].as_array();
    let fields = errors.into_iter().flatten().map(|error| &error["msg"]);
    let words = std::iter::once(&problem["detail"]).chain(fields);
    words
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join(" ")
}

/// An open WebSocket of a kernel.
pub(super) struct Connection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    interrupt: reqwest::RequestBuilder,
    /// The msg_id of what is being waited for.
    request: String,
    count: Option<u64>,
    replied: bool,
    idle: bool,
}

impl Connection {
    /// Has code run. What comes of it is heard.
    pub(super) async fn execute(&mut self, code: &str) -> anyhow::Result<()> {
        let (id, parts) = execute_request(code);
        self.begin(id);
        self.say(ChannelName::Shell, &parts).await
    }

    /// Whether the kernel takes the code for complete. One that does not say takes it so.
    pub(super) async fn is_complete(&mut self, code: &str) -> anyhow::Result<bool> {
        let (id, parts) = is_complete_request(code);
        self.begin(id);
        self.say(ChannelName::Shell, &parts).await?;
        let reply = async {
            loop {
                let (channel, parts) = self.next().await?;
                let Some(view) = MessageView::parse(&parts) else {
                    continue;
                };
                if channel == ChannelName::Shell && view.parent_id == self.request {
                    return anyhow::Ok(view.content().unwrap_or_default());
                }
            }
        };
        match timeout(COMPLETE_WITHIN, reply).await {
            Ok(reply) => Ok(reply?["status"] != "incomplete"),
            Err(_) => Ok(true),
        }
    }

    /// Answers a question of the code.
    pub(super) async fn answer(&mut self, header: &Bytes, line: &str) -> anyhow::Result<()> {
        self.say(ChannelName::Stdin, &input_reply(header, line))
            .await
    }

    /// Interrupts the running code.
    pub(super) async fn interrupt(&mut self) -> anyhow::Result<()> {
        let interrupt = self.interrupt.try_clone().context("it has no body")?;
        let answer = interrupt.send().await?;
        if !answer.status().is_success() {
            eprintln!("the code was not interrupted: {}", answer.status());
        }
        Ok(())
    }

    /// What comes next of the code that runs. Cancel-safe.
    pub(super) async fn hear(&mut self) -> anyhow::Result<Heard> {
        loop {
            if self.replied && self.idle {
                return Ok(Heard::Done(self.count));
            }
            let (channel, parts) = self.next().await?;
            if let Some(heard) = self.take(channel, &parts) {
                return Ok(heard);
            }
        }
    }

    fn begin(&mut self, request: String) {
        self.request = request;
        (self.replied, self.idle, self.count) = (false, false, None);
    }

    fn take(&mut self, channel: ChannelName, parts: &[Bytes]) -> Option<Heard> {
        let view = MessageView::parse(parts)?;
        let content = view.content().unwrap_or_default();
        let kind = view.header.msg_type;
        if let Some(words) = kernel_ended(&kind, &content) {
            (self.replied, self.idle) = (true, true);
            return Some(Heard::Ended(words));
        }
        if view.parent_id != self.request {
            return None;
        }
        match (channel, kind.as_str()) {
            (ChannelName::Iopub, "status") => self.idle |= content["execution_state"] == "idle",
            (ChannelName::Iopub, _) => return Some(Heard::Output(kind, content)),
            (ChannelName::Shell, "execute_reply") => {
                self.replied = true;
                self.count = content["execution_count"].as_u64();
            }
            (ChannelName::Stdin, "input_request") => {
                let prompt = content["prompt"].as_str().unwrap_or_default().to_owned();
                let header = parts.first()?.clone();
                return Some(Heard::Question { prompt, header });
            }
            (ChannelName::Shell | ChannelName::Stdin | ChannelName::Control, _) => {}
        }
        None
    }

    async fn say(&mut self, channel: ChannelName, parts: &[Bytes]) -> anyhow::Result<()> {
        let Outgoing::Binary(message) = Framing::V1.encode(channel, parts)? else {
            bail!("this framing is binary")
        };
        Ok(self.socket.send(Message::Binary(message)).await?)
    }

    /// The next message of the kernel.
    async fn next(&mut self) -> anyhow::Result<(ChannelName, Vec<Bytes>)> {
        loop {
            match self
                .socket
                .next()
                .await
                .context("the session has ended")??
            {
                Message::Binary(message) => {
                    let framed = Framing::V1.decode(Incoming::Binary(message))?;
                    return Ok((framed.channel, framed.parts));
                }
                Message::Close(frame) => bail!("the session has ended: {}", closing(frame)),
                Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}

/// What a message says of the end of the kernel that was to run the code, if it does. One that was restarted on purpose says
/// itself that it starts; for one that ended by itself, the service speaks.
fn kernel_ended(kind: &str, content: &Value) -> Option<&'static str> {
    if kind != "status" {
        return None;
    }
    match content["execution_state"].as_str()? {
        "restarting" | "starting" => Some("the kernel ended, and another one was started"),
        "dead" => Some("the kernel ended, and another one could not be started"),
        _ => None,
    }
}

fn closing(frame: Option<CloseFrame>) -> String {
    frame.map_or_else(|| "no reason".to_owned(), |frame| frame.to_string())
}
