//! The way out: what processes of the sandbox can ask of the proxy, and what it carries.

use std::time::Duration;

use cellblock_link::request::{
    ConnectionRequest, Failure, FailureKind, Network, Reply, Request, RunProcess,
};
use cellblock_link::{Connection, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::process::shell;
use crate::support::{Agent, PATIENCE, ask};

/// An agent whose proxy listens.
struct Proxied {
    agent: Agent,
    link: Connection,
    port: u16,
}

impl Proxied {
    async fn start() -> Proxied {
        let agent = Agent::start();
        let link = agent.connect().await;
        let output = run(&link, "echo $HTTP_PROXY").await;
        let port = output.trim().strip_prefix("http://127.0.0.1:").unwrap();
        let port = port.parse().unwrap();
        Proxied { agent, link, port }
    }

    /// A process of the sandbox that says this to the proxy.
    async fn say(&self, head: &str) -> TcpStream {
        let mut client = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        client.write_all(head.as_bytes()).await.unwrap();
        client
    }

    /// The next connection that is asked for.
    async fn next(&self) -> (ConnectionRequest, Stream) {
        let opener = self.link.opener();
        let next = opener.request(&Request::NextConnection);
        match timeout(PATIENCE, next).await.unwrap().unwrap() {
            (Reply::Connection(wanted), stream) => (wanted, stream),
            (other, _) => panic!("{other:?}"),
        }
    }

    async fn accept(&self) -> (ConnectionRequest, Stream) {
        let (wanted, mut stream) = self.next().await;
        stream.write_reply(&Reply::Done).await.unwrap();
        stream.flush().await.unwrap();
        (wanted, stream)
    }
}

async fn run(link: &Connection, script: &str) -> String {
    let process = RunProcess {
        network: Network::Proxy,
        ..shell(script)
    };
    match ask(&link.opener(), &Request::Run(process)).await {
        Reply::Ran(end) => end.output,
        other => panic!("{other:?}"),
    }
}

async fn read(from: &mut (impl AsyncReadExt + Unpin), length: usize) -> String {
    let mut bytes = vec![0; length];
    let reading = from.read_exact(&mut bytes);
    timeout(PATIENCE, reading).await.unwrap().unwrap();
    String::from_utf8(bytes).unwrap()
}

async fn read_all(mut from: impl AsyncReadExt + Unpin) -> String {
    let mut bytes = Vec::new();
    let reading = from.read_to_end(&mut bytes);
    timeout(PATIENCE, reading).await.unwrap().unwrap();
    String::from_utf8(bytes).unwrap()
}

fn to(host: &str, port: u16) -> ConnectionRequest {
    let host = host.to_owned();
    ConnectionRequest { host, port }
}

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

#[tokio::test]
async fn processes_are_told_of_the_proxy_in_both_spellings() {
    let agent = Agent::start();
    let link = agent.connect().await;
    let script = "echo $HTTP_PROXY $HTTPS_PROXY $http_proxy $https_proxy $NO_PROXY $no_proxy";
    let output = run(&link, script).await;
    let words: Vec<&str> = output.split_whitespace().collect();
    assert!(words[0].starts_with("http://127.0.0.1:"), "{output}");
    assert!(words[..4].iter().all(|word| *word == words[0]), "{output}");
    assert_eq!(words[4..], ["localhost,127.0.0.1,::1"; 2]);
    assert_eq!(run(&link, script).await, output, "there is one proxy");
}

#[tokio::test]
async fn a_tunnel_carries_bytes_both_ways_and_each_end() {
    let sandbox = Proxied::start().await;
    let asking = sandbox.say("CONNECT pypi.org:443 HTTP/1.1\r\nHost: pypi.org:443\r\n\r\nearly");
    let (mut client, (wanted, mut wire)) = tokio::join!(asking, sandbox.accept());
    assert_eq!(wanted, to("pypi.org", 443));
    assert_eq!(read(&mut client, ESTABLISHED.len()).await, ESTABLISHED);
    assert_eq!(read(&mut wire, 5).await, "early");

    let (mut from_client, mut to_client) = client.split();
    let sent = "x".repeat(3 << 20);
    let sending = async {
        to_client.write_all(sent.as_bytes()).await.unwrap();
        to_client.shutdown().await.unwrap();
    };
    let serving = async {
        let received = read_all(&mut wire).await;
        wire.write_all(received.as_bytes()).await.unwrap();
        wire.shutdown().await.unwrap();
    };
    let ((), (), back) = tokio::join!(sending, serving, read_all(&mut from_client));
    assert!(back == sent, "{} bytes came back", back.len());
}

#[tokio::test]
async fn a_request_goes_to_its_address_s_host_whatever_else_it_says() {
    let sandbox = Proxied::start().await;
    let head = "POST http://example.com/a?b HTTP/1.1\r\nHost: 169.254.169.254\r\nProxy-Connection: keep-alive\r\n\
                Content-Length: 4\r\n\r\nbodyGET http://other/ HTTP/1.1\r\n\r\n";
    let (client, (wanted, mut wire)) = tokio::join!(sandbox.say(head), sandbox.accept());
    assert_eq!(wanted, to("example.com", 80));
    let asked = "POST /a?b HTTP/1.1\r\nHost: example.com\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";
    assert_eq!(read(&mut wire, asked.len()).await, asked);
    let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nanswer";
    wire.write_all(answer.as_bytes()).await.unwrap();
    wire.shutdown().await.unwrap();
    assert_eq!(read_all(client).await, answer);
    assert_eq!(read_all(wire).await, "", "the second request went nowhere");
}

#[tokio::test]
async fn a_refusal_is_a_status_and_its_reason() {
    let sandbox = Proxied::start().await;
    for (kind, status) in [
        (FailureKind::Refused, "HTTP/1.1 403 Forbidden\r\n"),
        (FailureKind::Unreachable, "HTTP/1.1 502 Bad Gateway\r\n"),
    ] {
        let head = "CONNECT evil.example:443 HTTP/1.1\r\n\r\n";
        let (client, (_, mut stream)) = tokio::join!(sandbox.say(head), sandbox.next());
        let detail = "evil.example is not allowed".to_owned();
        let failure = Failure { kind, detail };
        stream.write_reply(&Reply::Failed(failure)).await.unwrap();
        stream.flush().await.unwrap();
        let answer = read_all(client).await;
        assert!(answer.starts_with(status), "{answer}");
        assert!(
            answer.ends_with("\r\n\r\nevil.example is not allowed\n"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn what_is_malformed_is_never_asked_of_the_service() {
    let sandbox = Proxied::start().await;
    for head in [
        "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
        "CONNECT example.com HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\x3c\x03\r\n\r\n",
    ] {
        let answer = read_all(sandbox.say(head).await).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{answer}"
        );
    }
    let opener = sandbox.link.opener();
    let next = opener.request(&Request::NextConnection);
    let asked = timeout(Duration::from_millis(200), next).await;
    assert!(asked.is_err(), "{asked:?}");
}

#[tokio::test]
async fn a_head_without_end_is_cut_and_the_proxy_goes_on() {
    let sandbox = Proxied::start().await;
    for fill in ["A: b\r\n".repeat(90), "x".repeat(90)] {
        let head = format!("CONNECT a:1 HTTP/1.1\r\nX: {}{fill}", "x".repeat(17 << 10));
        let answer = read_all(sandbox.say(&head).await).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    let head = "CONNECT pypi.org:443 HTTP/1.1\r\n\r\n";
    let (_client, (wanted, _)) = tokio::join!(sandbox.say(head), sandbox.next());
    assert_eq!(wanted, to("pypi.org", 443));
}

#[tokio::test]
async fn a_head_that_does_not_come_is_given_up() {
    let sandbox = Proxied::start().await;
    let since = Instant::now();
    let answer = read_all(sandbox.say("CONNECT pypi.org:443 HT").await).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(
        since.elapsed() >= Duration::from_secs(9),
        "{:?}",
        since.elapsed()
    );
}

#[tokio::test]
async fn a_flood_of_clients_waits_and_is_served_afterwards() {
    let sandbox = Proxied::start().await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        let address = ("127.0.0.1", sandbox.port);
        if let Ok(Ok(client)) =
            timeout(Duration::from_millis(50), TcpStream::connect(address)).await
        {
            idle.push(client);
        }
    }
    assert!(idle.len() > 128, "{}", idle.len());
    assert_eq!(run(&sandbox.link, "echo alive").await, "alive\n");
    drop(idle);
    let head = "CONNECT pypi.org:443 HTTP/1.1\r\n\r\n";
    let (_client, (wanted, _)) = tokio::join!(sandbox.say(head), sandbox.next());
    assert_eq!(wanted, to("pypi.org", 443));
}

#[tokio::test]
async fn a_service_that_goes_away_is_asked_again_by_the_next() {
    let mut sandbox = Proxied::start().await;
    let head = "CONNECT pypi.org:443 HTTP/1.1\r\n\r\n";
    let (mut client, (_, taken)) = tokio::join!(sandbox.say(head), sandbox.next());
    drop(taken);
    let (wanted, dropped) = sandbox.next().await;
    assert_eq!(wanted, to("pypi.org", 443));
    drop(dropped);
    let next_link = sandbox.agent.connect().await;
    sandbox.link = next_link;
    let (wanted, _wire) = sandbox.accept().await;
    assert_eq!(wanted, to("pypi.org", 443));
    assert_eq!(read(&mut client, ESTABLISHED.len()).await, ESTABLISHED);
}
