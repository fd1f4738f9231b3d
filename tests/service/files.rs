//! Files into a sandbox, and out of it.

use bytesize::ByteSize;
use cellblock::service::execution::request::InputFile;
use cellblock::service::execution::result::{ExecutionResult, Status};
use cellblock::service::files::{Access, FileName, Lifetime, StoredFile};
use cellblock::service::owner::Owner;
use tokio::io::AsyncReadExt;

use crate::bounds::inline;
use crate::support::{World, refusal, request, world, world_with};

async fn store(world: &World, owner: &Owner, name: &str, content: &[u8]) -> StoredFile {
    let name = FileName::parse(name).unwrap();
    let files = world.service.files();
    files
        .store(owner, name, Lifetime::Short, content)
        .await
        .unwrap()
}

async fn content(world: &World, file: &StoredFile) -> String {
    let owner = Owner::local();
    let access = Access::Owner(&owner);
    let (_, mut file) = world
        .service
        .files()
        .read(&file.name, access)
        .await
        .unwrap();
    let mut content = String::new();
    file.read_to_string(&mut content).await.unwrap();
    content
}

fn stored(file: &StoredFile, signature: Option<String>) -> InputFile {
    InputFile::Stored {
        name: file.name.clone(),
        signature,
    }
}

fn names(result: &ExecutionResult) -> Vec<&str> {
    result
        .files
        .iter()
        .map(|file| file.filename.as_str())
        .collect()
}

/// Runs code whose sandbox answers with these bytes for its files.
async fn forged(world: &World, tar: &[u8]) -> ExecutionResult {
    let bytes = hex::encode(tar);
    world.run_code(&format!("print a\nforge {bytes}")).await
}

fn tar(entries: &[(tar::EntryType, &str, u64, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (kind, path, size, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(*size);
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar
}

#[tokio::test(start_paused = true)]
async fn files_of_the_request_reach_the_code() {
    let long = "n".repeat(255);
    let mut request = request(&format!("read a.txt\nread {long}\nread empty"));
    request.sandbox.files = vec![
        inline("a.txt", "one "),
        inline(&long, "two"),
        inline("empty", ""),
    ];
    let result = world().await.run(request).await.unwrap();
    assert_eq!(result.status, Status::Ok, "{:?}", result.output);
    assert_eq!(result.output.stdout, "one two");
}

#[tokio::test(start_paused = true)]
async fn stored_files_reach_the_code_under_their_filename() {
    let world = world().await;
    let large = "0123456789abcdef".repeat(20_000);
    let file = store(&world, &Owner::local(), "large.txt", large.as_bytes()).await;
    let mut request = request("read large.txt\nread b");
    request.sandbox.files = vec![stored(&file, None), inline("b", "end")];
    let result = world.run(request).await.unwrap();
    assert_eq!(result.output.stdout, format!("{large}end"));
}

#[tokio::test(start_paused = true)]
async fn files_of_others_cannot_be_used() {
    let world = world().await;
    let file = store(&world, &Owner::named("somebody"), "a", b"secret").await;
    let mut request = request("read a");
    request.sandbox.files = vec![inline("b", ""), stored(&file, None)];
    assert_eq!(refusal(world.run(request.clone()).await).0, "files.1");
    request.sandbox.files = vec![stored(&file, Some("forged".to_owned()))];
    assert_eq!(refusal(world.run(request).await).0, "files.0");
    assert_eq!(world.used(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn files_of_others_can_be_used_by_their_signature() {
    let world = world().await;
    let file = store(&world, &Owner::named("somebody"), "a", b"shared").await;
    let signature = world.service.files().signature(&file);
    let mut request = request("read a");
    request.sandbox.files = vec![stored(&file, Some(signature))];
    assert_eq!(world.run(request).await.unwrap().output.stdout, "shared");
}

#[tokio::test(start_paused = true)]
async fn a_stored_file_that_goes_while_it_is_waited_for_is_the_callers_loss() {
    let world = world_with(|settings, engine| {
        settings.pool.size = 0;
        engine.set_start_delay(std::time::Duration::from_secs(3));
    })
    .await;
    let file = store(&world, &Owner::local(), "a", b"soon gone").await;
    let mut request = request("read a");
    request.sandbox.files = vec![stored(&file, None)];
    let waiting = world.spawn(request);
    crate::support::eventually("it starts", || world.engine.counts().starting == 1).await;
    world
        .service
        .files()
        .delete(&Owner::local(), &file.name)
        .await
        .unwrap();
    assert_eq!(refusal(waiting.await.unwrap()).0, "files");
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_code_makes_or_changes_is_handed_out_and_nothing_else() {
    let world = world().await;
    let mut request = request("write made.txt new\nwrite changed after\nread same");
    request.sandbox.files = vec![inline("changed", "before"), inline("same", "same")];
    let result = world.run(request).await.unwrap();
    assert_eq!(names(&result), ["changed", "made.txt"]);
    assert_eq!(content(&world, &result.files[0]).await, "after");
    assert_eq!(content(&world, &result.files[1]).await, "new");
    assert_eq!(result.files_left_out, 0);
    let others = world.service.files().list(&Owner::named("somebody")).await;
    assert_eq!(others, []);
}

#[tokio::test(start_paused = true)]
async fn files_in_folders_are_handed_out_under_names_of_their_own() {
    let long = "d".repeat(200);
    let code = format!("write x/a 1\nwrite y/a 2\nwrite {long}/deep/file 3");
    let world = world().await;
    let result = world.run_code(&code).await;
    assert_eq!(names(&result), ["file", "a", "y_a"]);
    assert_eq!(content(&world, &result.files[0]).await, "3");
}

#[tokio::test(start_paused = true)]
async fn too_many_or_too_large_files_are_left_out_and_counted() {
    let world = world_with(|settings, _| {
        settings.execution.max_created_files = 2;
        settings.execution.max_created_bytes = ByteSize::b(10);
    })
    .await;
    let result = world
        .run_code("write a 12345\nwrite b 123456\nwrite c 1\nwrite d 1")
        .await;
    assert_eq!(names(&result), ["a", "c"]);
    assert_eq!(result.files_left_out, 2);
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_sends_more_than_asked_is_held_to_it() {
    let world = world_with(|settings, _| {
        settings.execution.max_created_files = 2;
        settings.execution.max_created_bytes = ByteSize::b(10);
    })
    .await;
    let file = tar::EntryType::Regular;
    let lie = tar(&[
        (file, "big", 11, b"01234567890"),
        (file, "a", 4, b"0123"),
        (file, "b", 7, b"0123456"),
        (file, "c", 4, b"0123"),
        (file, "d", 1, b"0"),
    ]);
    let result = forged(&world, &lie).await;
    assert_eq!(names(&result), ["a", "c"]);
    assert_eq!(result.files_left_out, 3);
}

#[tokio::test(start_paused = true)]
async fn only_regular_files_with_real_names_are_taken() {
    let file = tar::EntryType::Regular;
    let lie = tar(&[
        (tar::EntryType::Symlink, "link", 0, b""),
        (tar::EntryType::Link, "hard", 0, b""),
        (tar::EntryType::Directory, "dir", 0, b""),
        (tar::EntryType::Char, "device", 0, b""),
        (tar::EntryType::GNULongName, "longlink", 10, b"dir/by-far"),
        (file, "short", 1, b"0"),
        (file, "../../escape", 1, b"1"),
        (file, "/etc/passwd", 1, b"2"),
        (file, "..", 1, b"3"),
    ]);
    let world = world().await;
    let result = forged(&world, &lie).await;
    assert_eq!(names(&result), ["by-far", "escape", "passwd"]);
    let listed = world.service.files().list(&Owner::local()).await;
    assert_eq!(listed.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_tar_that_lies_is_taken_as_far_as_it_is_true() {
    let world = world().await;
    let file = tar::EntryType::Regular;
    let truth = tar(&[(file, "a", 1, b"0")]);
    let mut lies = vec![b"no tar at all".to_vec()];
    lies.push(tar(&[(file, "cut", 600, b"0123")]));
    lies.push(tar(&[(file, "huge", u64::MAX, b"")]));
    lies.push(tar(&[(tar::EntryType::GNULongName, "n", 1 << 40, b"")]));
    let mut wrong = truth.clone();
    wrong[0] ^= 1;
    lies.push(wrong);
    for lie in lies {
        let result = forged(&world, &[truth.clone(), lie].concat()).await;
        assert_eq!(result.status, Status::Ok);
        assert_eq!(names(&result), ["a"]);
    }
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_store_costs_the_files_and_not_the_result() {
    let world = world_with(|settings, _| settings.files.max_total = ByteSize::kib(40)).await;
    let large = "x".repeat(60_000);
    let result = world
        .run_code(&format!("print a\nwrite a {large}\nwrite b 1"))
        .await;
    assert_eq!(result.status, Status::Ok);
    assert_eq!(result.output.stdout, "a\n");
    assert_eq!(names(&result), ["b"]);
    assert_eq!(result.files_left_out, 1);
}
