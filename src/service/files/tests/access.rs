//! Who gets a file: its owner, whoever has its signature, and nobody by a name that leads elsewhere.

use super::*;

#[tokio::test]
async fn somebody_else_s_file_is_not_found() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"1").await.unwrap();
    let mallory = Owner::named("mallory");
    assert!(is_not_found(
        fixture.read(&file.name, Access::Owner(&mallory)).await
    ));
    assert!(is_not_found(
        fixture.store.delete(&mallory, &file.name).await
    ));
    assert!(fixture.store.list(&mallory).await.is_empty());
    assert_eq!(fixture.store.list(&alice()).await, [file]);
}

#[tokio::test]
async fn a_signature_opens_its_own_file_only() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"1").await.unwrap();
    let other = fixture.store("b", b"2").await.unwrap();
    let signature = fixture.store.signature(&file);
    assert_eq!(
        fixture
            .read(&file.name, Access::Signature(&signature))
            .await
            .unwrap(),
        b"1"
    );
    assert!(is_not_found(
        fixture
            .read(&other.name, Access::Signature(&signature))
            .await
    ));
    let longer = StoredFile {
        expires_at: Timestamp::MAX,
        ..file.clone()
    };
    for forged in [
        "",
        "a",
        "é",
        &signature[1..],
        &format!("{signature}="),
        &fixture.store.signature(&longer),
    ] {
        assert!(
            is_not_found(fixture.read(&file.name, Access::Signature(forged)).await),
            "{forged}"
        );
    }
}

#[tokio::test]
async fn a_signature_fits_into_a_url_and_another_service_s_is_refused() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"1").await.unwrap();
    let signature = fixture.store.signature(&file);
    assert!(
        signature
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    let other = Fixture::new().await;
    assert_ne!(other.store.signature(&file), signature);
}

#[tokio::test]
async fn no_name_leads_out_of_the_store() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"1").await.unwrap();
    let beside = format!("../files/{}", file.name);
    let inside = format!("{}/content", file.name);
    for name in [
        "",
        ".",
        "..",
        "../secret",
        "/etc/passwd",
        "a\0b",
        &beside,
        &inside,
        &format!("./{}", file.name),
    ] {
        assert!(
            is_not_found(fixture.read(name, Access::Owner(&alice())).await),
            "{name}"
        );
        assert!(
            is_not_found(fixture.store.delete(&alice(), name).await),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_deleted_file_is_gone_from_the_disk_and_for_good() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"1").await.unwrap();
    fixture.store.delete(&alice(), &file.name).await.unwrap();
    assert!(is_not_found(
        fixture.read(&file.name, Access::Owner(&alice())).await
    ));
    assert!(is_not_found(
        fixture.store.delete(&alice(), &file.name).await
    ));
    assert_eq!(fixture.on_disk(), 0);
    assert!(
        fixture
            .restart()
            .await
            .store
            .list(&alice())
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn what_is_being_read_survives_its_deletion() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"12").await.unwrap();
    let (_, mut content) = fixture
        .store
        .read(&file.name, Access::Owner(&alice()))
        .await
        .unwrap();
    fixture.store.delete(&alice(), &file.name).await.unwrap();
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"12");
}
