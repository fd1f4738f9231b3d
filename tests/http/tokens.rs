//! JSON Web Tokens in the place of keys: who gets in by one, as whom, and who does not.

mod issuer;

use std::time::Duration;

use axum::body::Body;
use axum::http::header::RETRY_AFTER;
use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cellblock::config::Settings;
use cellblock::config::key_file::Grant;
use cellblock::sandbox::fake::FakeEngine;
use cellblock::service::Service;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tokio::time::{advance, pause, resume};

use crate::bench::{Answer, Bench, execute, keyed, request, with};
use crate::{connections, keys_file};
use issuer::{AUDIENCE, File, ISSUER, Signer, Site, key_set, trust};

const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

fn signer() -> Signer {
    Signer::new("first", Algorithm::EdDSA)
}

/// A service that takes the tokens of these.
async fn taking(signers: &[&Signer], set: impl FnOnce(&mut Settings)) -> Bench {
    let file = File::of(&key_set(signers));
    Bench::with(|settings| {
        trust(settings, file.text());
        set(settings);
    })
    .await
}

/// Asks for what only an owner gets.
async fn files(bench: &Bench, token: &str) -> Answer {
    let files = request(Method::GET, "/jupyter/files", Body::empty());
    let token = format!("Bearer {token}");
    bench.send(with(files, "authorization", &token)).await
}

async fn store(bench: &Bench, shown: &str) {
    let put = request(Method::PUT, "/jupyter/files?filename=a.txt", "a".into());
    let stored = bench.send(keyed(put, shown)).await;
    assert_eq!(stored.status, StatusCode::OK);
}

async fn count(bench: &Bench, shown: &str) -> usize {
    let list = request(Method::GET, "/jupyter/files", Body::empty());
    let list = bench.send(keyed(list, shown)).await.json();
    list["files"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_token_of_any_asymmetric_algorithm_is_taken() {
    for algorithm in ALGORITHMS {
        let signer = Signer::new("first", algorithm);
        let bench = taking(&[&signer], |_| {}).await;
        let answer = files(&bench, &signer.sign(json!({}))).await;
        assert_eq!(answer.status, StatusCode::OK, "{algorithm:?}");
        let answer = files(&bench, &signer.unnamed().sign(json!({}))).await;
        assert_eq!(answer.status, StatusCode::OK, "{algorithm:?}, the only key");
    }
}

#[tokio::test]
async fn every_token_that_is_not_good_is_refused_in_the_same_words() {
    let signer = signer();
    let rsa = Signer::new("rsa", Algorithm::RS256);
    let short = Signer::short("short");
    let twin = Signer::other("twin");
    let bench = taking(&[&signer, &rsa, &short, &twin], |_| {}).await;
    for good in [&signer, &rsa, &twin] {
        assert_eq!(files(&bench, &good.sign(json!({}))).await.status, 200);
    }
    let now = Timestamp::now().as_second();
    let mut bad = vec![
        ("ended", signer.sign(json!({"exp": now - 90}))),
        ("without an end", signer.sign(json!({"exp": null}))),
        ("an end that is text", signer.sign(json!({"exp": "2999"}))),
        ("not begun", signer.sign(json!({"nbf": now + 90}))),
        ("a beginning that is text", signer.sign(json!({"nbf": "0"}))),
        (
            "another issuer",
            signer.sign(json!({"iss": "https://evil.example"})),
        ),
        ("no issuer", signer.sign(json!({"iss": null}))),
        ("another audience", signer.sign(json!({"aud": ["other"]}))),
        ("no audience", signer.sign(json!({"aud": null}))),
        ("nobody", signer.sign(json!({"sub": null}))),
        ("an empty name", signer.sign(json!({"sub": ""}))),
        ("another's key", Signer::other("first").sign(json!({}))),
        ("an unknown key", Signer::other("third").sign(json!({}))),
        ("a short key", short.sign(json!({}))),
        ("too long", signer.sign(json!({"more": "x".repeat(20_000)}))),
        (
            "which of two keys?",
            Signer::other("x").unnamed().sign(json!({})),
        ),
    ];
    bad.extend(forged(&signer));
    for (what, token) in bad {
        let problem = files(&bench, &token).await;
        let problem = problem.problem(StatusCode::UNAUTHORIZED);
        let detail = "The API key or token in the request is not valid.";
        assert_eq!(problem["detail"], detail, "{what}");
    }
}

/// Tokens that no issuer would sign.
fn forged(signer: &Signer) -> Vec<(&'static str, String)> {
    let good = signer.sign(json!({}));
    let (head, rest) = good.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let encoded = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let none = encoded(json!({"alg": "none", "typ": "JWT"}));
    let other =
        encoded(json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "root", "exp": 9999999999u64}));
    let mut critical = Header::new(Algorithm::EdDSA);
    critical.kid = Some("first".to_owned());
    critical.crit = Some(vec!["b64".to_owned()]);
    // The public key is no secret: a verifier that takes HMAC would take this.
    let public = signer.public()["x"].as_str().unwrap().to_owned();
    let secret = EncodingKey::from_secret(&BASE64_URL_SAFE_NO_PAD.decode(public).unwrap());
    let mut hmac = Header::new(Algorithm::HS256);
    hmac.kid = Some("first".to_owned());
    let hmac_claims = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "root", "exp": 9999999999u64});
    vec![
        ("no algorithm", format!("{none}.{claims}.")),
        (
            "no algorithm, and a signature",
            format!("{none}.{claims}.{signature}"),
        ),
        ("other claims", format!("{head}.{other}.{signature}")),
        ("no signature", format!("{head}.{claims}.")),
        ("HMAC", encode(&hmac, &hmac_claims, &secret).unwrap()),
        ("extensions", signer.sign_with(&critical, json!({}))),
        ("no JSON", format!("eyJ.{claims}.{signature}")),
        ("two parts", format!("{head}.{claims}")),
        ("four parts", format!("{good}.{signature}")),
    ]
}

#[tokio::test]
async fn clocks_may_differ_a_little() {
    let signer = signer();
    let now = Timestamp::now().as_second();
    let late = signer.sign(json!({"exp": now - 30, "nbf": now + 30}));
    let bench = taking(&[&signer], |_| {}).await;
    assert_eq!(files(&bench, &late).await.status, StatusCode::OK);
    let exact = |settings: &mut Settings| settings.jwt.leeway = Duration::ZERO;
    let bench = taking(&[&signer], exact).await;
    assert_eq!(files(&bench, &late).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_is_shown_wherever_a_key_is() {
    let signer = signer();
    let bench = taking(&[&signer], |_| {}).await;
    let token = signer.sign(json!({}));
    let get = |path: &str| request(Method::GET, path, Body::empty());
    for shown in [format!("Bearer {token}"), format!("token {token}")] {
        for path in ["/jupyter/files", "/api/kernels"] {
            let answer = bench.send(with(get(path), "authorization", &shown)).await;
            assert_eq!(answer.status, StatusCode::OK, "{path} {shown}");
        }
    }
    let in_url = bench.get(&format!("/api/kernels?token={token}")).await;
    assert_eq!(in_url.status, StatusCode::OK);
    // Urls end up in logs, so no other route reads them.
    let in_url = bench.get(&format!("/jupyter/files?token={token}")).await;
    in_url.problem(StatusCode::UNAUTHORIZED);
    bench
        .get("/jupyter/files")
        .await
        .problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_kernels_websocket_is_opened_with_a_token() {
    let signer = signer();
    let bench = taking(&[&signer], |_| {}).await;
    let token = signer.sign(json!({}));
    let start = request(Method::POST, "/api/kernels", "{}".into());
    let model = bench.send(keyed(start, &token)).await;
    let model = model.json_of(StatusCode::CREATED);
    let running = connections::serve(bench.router.clone(), bench.settings.server.clone()).await;
    let channels = format!(
        "ws://{}/api/kernels/{}/channels",
        running.address,
        model["id"].as_str().unwrap()
    );
    let open = async |token: &str| {
        tokio_tungstenite::connect_async(format!("{channels}?token={token}")).await
    };
    assert!(open(&token).await.is_ok());
    assert!(open(&signer.sign(json!({"sub": "grace"}))).await.is_err());
    assert!(open(&signer.sign(json!({"exp": 1}))).await.is_err());
}

#[tokio::test]
async fn the_owner_of_a_token_is_no_keys_and_no_other_tenants() {
    let signer = signer();
    let bench = taking(&[&signer], |settings| {
        settings.jwt.tenant_claim = Some("org".to_owned());
        settings.keys.insert("ada".to_owned(), "ada-key".to_owned());
        settings
            .keys
            .insert("acme/ada".to_owned(), "acme-key".to_owned());
    })
    .await;
    let token = |org: &str, sub: &str| signer.sign(json!({"org": org, "sub": sub}));
    store(&bench, &token("acme", "ada")).await;
    assert_eq!(count(&bench, &token("acme", "ada")).await, 1);
    for other in [
        "ada-key",
        "acme-key",
        &token("acme", "grace"),
        &token("other", "ada"),
        &token("acme/ada", "x"),
    ] {
        assert_eq!(count(&bench, other).await, 0);
    }
}

#[tokio::test]
async fn the_limits_of_a_token_are_those_of_the_key_that_it_names() {
    let signer = signer();
    let keys = keys_file::File::new();
    let bash = Grant {
        environments: Some(vec!["bash".to_owned()]),
        ..Grant::default()
    };
    keys.add_granted("free", None, bash);
    keys.add("ended", Some("2026-01-01T00:00:00Z"));
    let bench = taking(&[&signer], |settings| {
        settings.keys_file = Some(keys.path.clone());
        settings.jwt.limits_claim = Some("plan".to_owned());
    })
    .await;
    let run = async |plan: &str, environment: &str| {
        let token = signer.sign(json!({"plan": plan}));
        let body = json!({"code": "print 1", "execution_environment": environment});
        bench.send(keyed(execute(body.to_string()), &token)).await
    };
    assert_eq!(run("free", "bash").await.status, StatusCode::OK);
    let refused = run("free", "python").await;
    assert_eq!(refused.fields(), ["body.execution_environment"]);
    for plan in ["ended", "unknown"] {
        run(plan, "bash").await.problem(StatusCode::UNAUTHORIZED);
    }
    let unsaid = files(&bench, &signer.sign(json!({}))).await;
    unsaid.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn keys_that_rotate_are_followed_at_once() {
    let (first, second) = (signer(), Signer::other("second"));
    let site = Site::new().await;
    site.answers(Some(key_set(&[&first])));
    let bench = Bench::with(|settings| trust(settings, &site.url)).await;
    let ok = async |signer: &Signer| files(&bench, &signer.sign(json!({}))).await.status == 200;
    assert!(ok(&first).await && !ok(&second).await);

    site.answers(Some(key_set(&[&second])));
    assert!(!ok(&second).await, "it was asked a moment ago");
    skip(Duration::from_secs(11)).await;
    assert!(ok(&second).await);
    assert!(!ok(&first).await, "what was taken back is refused");
}

#[tokio::test]
async fn made_up_keys_do_not_make_the_service_ask_much() {
    let signer = signer();
    let site = Site::new().await;
    site.answers(Some(key_set(&[&signer])));
    let bench = Bench::with(|settings| trust(settings, &site.url)).await;
    for _ in 0..50 {
        let made_up = Signer::other("made up").sign(json!({}));
        files(&bench, &made_up)
            .await
            .problem(StatusCode::UNAUTHORIZED);
    }
    assert_eq!(site.asked(), 1);
    assert_eq!(files(&bench, &signer.sign(json!({}))).await.status, 200);
}

#[tokio::test]
async fn while_the_issuer_is_away_its_known_keys_are_good() {
    let signer = signer();
    let site = Site::new().await;
    let bench = Bench::with(|settings| trust(settings, &site.url)).await;
    let unknown = files(&bench, &signer.sign(json!({}))).await;
    unknown.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert!(unknown.headers.contains_key(RETRY_AFTER));

    site.answers(Some(key_set(&[&signer])));
    skip(Duration::from_secs(11)).await;
    assert_eq!(files(&bench, &signer.sign(json!({}))).await.status, 200);

    for wrong in [
        None,
        Some(json!({"keys": []})),
        Some(json!("x".repeat(2 << 20))),
    ] {
        site.answers(wrong);
        skip(Duration::from_secs(400)).await;
        let new = Signer::other("second").sign(json!({}));
        files(&bench, &new).await.problem(StatusCode::UNAUTHORIZED);
        assert_eq!(files(&bench, &signer.sign(json!({}))).await.status, 200);
    }
}

/// Time passes, and none of it in connections.
async fn skip(time: Duration) {
    pause();
    advance(time).await;
    resume();
}

#[tokio::test]
async fn keys_that_cannot_sign_do_not_spoil_a_set() {
    let signer = signer();
    let mut set = key_set(&[&signer]);
    let mut encrypting = Signer::new("rsa", Algorithm::RS256).public();
    encrypting["use"] = json!("enc");
    let keys = set["keys"].as_array_mut().unwrap();
    keys.push(encrypting);
    keys.push(json!({"kty": "oct", "kid": "secret", "k": "c2VjcmV0"}));
    keys.push(json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}));
    keys.push(json!({"kty": "unheard of"}));
    let file = File::of(&set);
    let bench = Bench::with(|settings| trust(settings, file.text())).await;
    assert_eq!(files(&bench, &signer.sign(json!({}))).await.status, 200);
    let encrypted = Signer::new("rsa", Algorithm::RS256).sign(json!({}));
    files(&bench, &encrypted)
        .await
        .problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_service_does_not_start_with_a_file_without_keys() {
    let empty = File::of(&json!({"keys": []}));
    for (jwks, reason) in [
        (empty.text(), "no key that can sign"),
        ("/nonexistent/jwks.json".to_owned(), "No such file"),
    ] {
        let mut settings = Settings::default();
        let state_dir = tempfile::tempdir().unwrap();
        settings.state_dir = state_dir.path().to_owned();
        trust(&mut settings, jwks);
        let started = Service::start(&settings, std::sync::Arc::new(FakeEngine::new())).await;
        let error = started.unwrap_err().to_string();
        assert!(
            error.contains("jwt.jwks") && error.contains(reason),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_token_is_no_key_where_none_is_taken() {
    let bench = Bench::with_keys().await;
    let answer = files(&bench, &signer().sign(json!({}))).await;
    answer.problem(StatusCode::UNAUTHORIZED);
}
