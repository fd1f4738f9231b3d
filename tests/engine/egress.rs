//! What code reaches of the world where it is allowed a host, and what it does not. These tests need to reach PyPI.

use serde_json::json;

use crate::support::Service;

const ALLOWED: &str = "--egress-hosts=pypi.org:443";

/// Runs Python in a sandbox that may reach `pypi.org:443`.
async fn output(code: &str) -> String {
    let service = Service::start(&[ALLOWED]).await;
    let network = json!({ "network": ["pypi.org:443"] });
    let answer = service.execute_with("python", code, network).await;
    assert_eq!(answer["status"], "ok", "{answer:#}");
    answer["output"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_allowed_host_is_reached_through_the_proxy() {
    let code = "import urllib.request\nprint(urllib.request.urlopen('https://pypi.org/simple/humanize/').status)";
    assert_eq!(output(code).await, "200");
}

#[tokio::test]
async fn usual_clients_know_the_proxy() {
    let service = Service::start(&[ALLOWED]).await;
    for (environment, code) in [
        (
            "bash",
            "curl -so /dev/null -w '%{http_code}' https://pypi.org/simple/humanize/",
        ),
        (
            "javascript",
            "console.log((await fetch('https://pypi.org/simple/humanize/')).status)",
        ),
    ] {
        let network = json!({
            "network": ["pypi.org:443"],
            // What the images trust, a certificate of the build among it.
            "environment_variables": { "NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt" },
        });
        let answer = service.execute_with(environment, code, network).await;
        assert_eq!(answer["output"], "200", "{answer:#}");
    }
}

#[tokio::test]
async fn every_other_way_out_is_closed() {
    let code = r"
import socket
for family, address in (
    (socket.AF_INET, ('1.1.1.1', 443)), (socket.AF_INET, ('169.254.169.254', 80)), (socket.AF_INET, ('172.17.0.1', 80)),
    (socket.AF_INET6, ('2606:4700::1111', 443)), (socket.AF_INET6, ('fd00:ec2::254', 80)),
):
    try:
        with socket.socket(family) as one:
            one.settimeout(2)
            one.connect(address)
        print('reached', address)
    except OSError: pass
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_PACKET):
    try: print('raw', socket.socket(family, socket.SOCK_RAW, 1))
    except OSError: pass
try: print('name', socket.getaddrinfo('pypi.org', 443))
except OSError: pass
print('done')
";
    assert_eq!(output(code).await, "done");
}

/// Says something to the proxy, and prints the first line that it answers.
const SAY: &str = r"
import os, socket, urllib.parse
proxy = urllib.parse.urlsplit(os.environ['HTTPS_PROXY'])
def say(text):
    with socket.create_connection((proxy.hostname, proxy.port), timeout=20) as one:
        one.sendall(text.encode())
        answer = b''
        while b'\n' not in answer and (piece := one.recv(4096)): answer += piece
        return answer.decode().split()[1]
";

#[tokio::test]
async fn the_proxy_lets_nothing_through_but_what_is_allowed() {
    let code = format!(
        r"{SAY}
for host in (
    'example.com:443', 'pypi.org:80', 'pypi.org:22', 'sub.pypi.org:443', 'pypi.org.evil.example:443',
    '127.0.0.1:443', '169.254.169.254:80', '172.17.0.1:443', '[::1]:443', '[::ffff:169.254.169.254]:80', 'localhost:443',
    '0x7f000001:443', '2130706433:443', '127.1:443',
):
    for lie in (host, 'pypi.org:443'):
        status = say(f'CONNECT {{host}} HTTP/1.1\r\nHost: {{lie}}\r\n\r\n')
        if status not in ('400', '403'): print(host, lie, status)
for url in ('http://169.254.169.254/latest/meta-data/', 'http://example.com/', 'http://pypi.org/', 'http://pypi.org@169.254.169.254/'):
    status = say(f'GET {{url}} HTTP/1.1\r\nHost: pypi.org:443\r\n\r\n')
    if status not in ('400', '403'): print(url, status)
print(say('CONNECT PyPI.org.:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n'))
"
    );
    assert_eq!(output(&code).await, "200");
}

#[tokio::test]
async fn who_does_not_ask_has_no_proxy() {
    let service = Service::start(&[ALLOWED]).await;
    let code = "import os\nprint([name for name in os.environ if 'proxy' in name.lower()])";
    let answer = service.execute("python", code).await;
    assert_eq!(answer["output"], "[]", "{answer:#}");
}

#[tokio::test]
async fn an_allowed_name_of_this_machine_is_refused() {
    let service = Service::start(&["--egress-hosts=localhost:80"]).await;
    let code = format!(
        "{SAY}\nprint(say('CONNECT localhost:80 HTTP/1.1\\r\\nHost: localhost:80\\r\\n\\r\\n'))"
    );
    let network = json!({ "network": ["localhost:80"] });
    let answer = service.execute_with("python", &code, network).await;
    assert_eq!(answer["output"], "403", "{answer:#}");
}
