//! An issuer of tokens: its keys, the tokens that it signs with them, and its key set, in a file or at a url.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cellblock::config::Settings;
use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const ISSUER: &str = "https://login.example.org";
pub const AUDIENCE: &str = "cellblock";

/// Made for these tests, and for nothing else.
const RSA: &[u8] = include_bytes!("rsa-2048.der");
const SHORT_RSA: &[u8] = include_bytes!("rsa-1024.der");

/// What stands before the bare key in PKCS #8.
const ED25519: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
const P256: &[u8] = b"\x30\x41\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x04\x27\x30\x25\x02\x01\x01\x04\x20";
const P384: &[u8] = b"\x30\x4e\x02\x01\x00\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x04\x37\x30\x35\x02\x01\x01\x04\x30";

/// One key.
pub struct Signer {
    id: Option<&'static str>,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    /// A key for this algorithm, always the same.
    pub fn new(id: &'static str, algorithm: Algorithm) -> Signer {
        let key = match algorithm {
            Algorithm::EdDSA => EncodingKey::from_ed_der(&[ED25519, &[7; 32]].concat()),
            Algorithm::ES256 => EncodingKey::from_ec_der(&[P256, &[7; 32]].concat()),
            Algorithm::ES384 => EncodingKey::from_ec_der(&[P384, &[7; 48]].concat()),
            _ => EncodingKey::from_rsa_der(RSA),
        };
        Signer {
            id: Some(id),
            algorithm,
            key,
        }
    }

    /// Another key than [`Signer::new`] makes.
    pub fn other(id: &'static str) -> Signer {
        Signer {
            key: EncodingKey::from_ed_der(&[ED25519, &[8; 32]].concat()),
            ..Signer::new(id, Algorithm::EdDSA)
        }
    }

    /// One that can be broken.
    pub fn short(id: &'static str) -> Signer {
        Signer {
            key: EncodingKey::from_rsa_der(SHORT_RSA),
            ..Signer::new(id, Algorithm::RS256)
        }
    }

    /// The same key, whose tokens do not name it.
    pub fn unnamed(self) -> Signer {
        Signer { id: None, ..self }
    }

    /// A token with these claims beside those of a good one; null takes one away.
    pub fn sign(&self, claims: Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = self.id.map(str::to_owned);
        self.sign_with(&header, claims)
    }

    /// The same with another header.
    pub fn sign_with(&self, header: &Header, claims: Value) -> String {
        let now = Timestamp::now().as_second();
        let mut all = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": now + 300});
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        let all = all.as_object_mut().unwrap();
        all.retain(|_, value| !value.is_null());
        encode(header, all, &self.key).unwrap()
    }

    /// As it stands in a key set.
    pub fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        // Of an RSA key, any of its algorithms may be used.
        jwk.common.key_algorithm = None;
        jwk.common.key_id = self.id.map(str::to_owned);
        serde_json::to_value(jwk).unwrap()
    }
}

/// A key set with the keys of these.
pub fn key_set(signers: &[&Signer]) -> Value {
    let keys = signers.iter().map(|signer| signer.public());
    json!({ "keys": keys.collect::<Vec<_>>() })
}

/// Takes tokens whose keys are there.
pub fn trust(settings: &mut Settings, jwks: impl Into<String>) {
    settings.jwt.issuer = Some(ISSUER.to_owned());
    settings.jwt.audience = Some(AUDIENCE.to_owned());
    settings.jwt.jwks = Some(jwks.into());
}

/// A key set in a file.
pub struct File {
    pub path: PathBuf,
    _directory: TempDir,
}

impl File {
    pub fn of(key_set: &Value) -> File {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("jwks.json");
        std::fs::write(&path, key_set.to_string()).unwrap();
        File {
            path,
            _directory: directory,
        }
    }

    pub fn text(&self) -> String {
        self.path.to_str().unwrap().to_owned()
    }
}

/// A key set at a url, which is asked and may be away.
#[derive(Clone)]
pub struct Site {
    pub url: String,
    answer: Arc<Mutex<Option<Value>>>,
    asked: Arc<AtomicUsize>,
}

impl Site {
    /// One that is away.
    pub async fn new() -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site = Site {
            url: format!("http://{}/jwks", listener.local_addr().unwrap()),
            answer: Arc::default(),
            asked: Arc::default(),
        };
        let served = site.clone();
        let router = Router::new().route("/jwks", get(async move || served.answer()));
        // Ends with the test's runtime.
        tokio::spawn(async move { axum::serve(listener, router).await });
        site
    }

    /// What it answers from now on. None: it is away.
    pub fn answers(&self, key_set: Option<Value>) {
        *self.answer.lock().unwrap() = key_set;
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn answer(&self) -> Response {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match &*self.answer.lock().unwrap() {
            Some(key_set) => key_set.to_string().into_response(),
            None => StatusCode::BAD_GATEWAY.into_response(),
        }
    }
}
