//! What folding guarantees.

mod limit;
mod random;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Output, OutputFolder, OutputLimitReached, Replied};
use crate::jupyter::MessageView;

const PLENTY: u64 = 1 << 20;

fn message(kind: &str, content: &[u8]) -> MessageView {
    let header = json!({"msg_id": "b", "msg_type": kind}).to_string();
    let parts = [header.as_bytes(), b"{}", b"{}", content];
    MessageView::parse(&parts.map(Bytes::copy_from_slice)).unwrap()
}

/// Folds messages within a limit until it is reached.
fn fold_within(limit: u64, messages: &[(&str, Value)]) -> (Output, Result<(), OutputLimitReached>) {
    let mut folder = OutputFolder::new(limit);
    let mut end = Ok(());
    for (kind, content) in messages {
        end = end.and(folder.take(&message(kind, content.to_string().as_bytes())));
    }
    (folder.finish(), end)
}

fn fold(messages: &[(&str, Value)]) -> Output {
    let (output, end) = fold_within(PLENTY, messages);
    assert_eq!(end, Ok(()));
    output
}

fn print(text: &str) -> (&'static str, Value) {
    ("stream", json!({"name": "stdout", "text": text}))
}

fn complain(text: &str) -> (&'static str, Value) {
    ("stream", json!({"name": "stderr", "text": text}))
}

fn display(text: &str, display_id: &str) -> (&'static str, Value) {
    let data = json!({"text/plain": text});
    let transient = json!({"display_id": display_id});
    (
        "display_data",
        json!({"data": data, "metadata": {}, "transient": transient}),
    )
}

fn update(text: &str, display_id: &str) -> (&'static str, Value) {
    ("update_display_data", display(text, display_id).1)
}

fn clear(wait: Value) -> (&'static str, Value) {
    ("clear_output", json!({"wait": wait}))
}

#[test]
fn neighbours_of_one_stream_become_one_output() {
    let output = fold(&[print("a"), print("b\n"), complain("c"), print("d\r50%\x08")]);
    assert_eq!(
        output.outputs,
        [
            json!({"output_type": "stream", "name": "stdout", "text": "ab\n"}),
            json!({"output_type": "stream", "name": "stderr", "text": "c"}),
            json!({"output_type": "stream", "name": "stdout", "text": "d\r50%\x08"}),
        ]
    );
    assert_eq!(output.stdout, "ab\nd\r50%\x08");
    assert_eq!(output.stderr, "c");
    assert_eq!(output.text, "ab\nc\nd\r50%\x08");
}

#[test]
fn an_empty_stream_message_is_no_output() {
    assert_eq!(fold(&[print(""), complain("")]), Output::default());
}

#[test]
fn a_result_has_the_kernel_s_count() {
    let content = json!({
        "execution_count": 3,
        "data": {"text/plain": "2", "image/png": "aGk="},
        "metadata": {"image/png": {"width": 1}},
        "transient": {"display_id": "x"},
    });
    let output = fold(&[
        ("execute_input", json!({"code": "1", "execution_count": 2})),
        ("execute_result", content),
    ]);
    assert_eq!(
        output.outputs,
        [json!({
            "output_type": "execute_result",
            "execution_count": 3,
            "data": {"text/plain": "2", "image/png": "aGk="},
            "metadata": {"image/png": {"width": 1}},
        })]
    );
    assert_eq!(output.execution_count, Some(3));
    assert_eq!(output.text, "2");
}

#[test]
fn the_count_comes_from_the_input_when_there_is_no_result() {
    let output = fold(&[("execute_input", json!({"execution_count": 7})), print("a")]);
    assert_eq!(output.execution_count, Some(7));
}

#[test]
fn what_was_raised_is_told_with_and_without_colours() {
    let traceback = json!([
        "\x1b[31mZeroDivisionError\x1b[0m",
        "at \x1b]8;;u\x1b\\line 1\x1b]8;;\x07"
    ]);
    let content =
        json!({"ename": "ZeroDivisionError", "evalue": "by zero", "traceback": traceback});
    let output = fold(&[print("a"), ("error", content)]);
    assert_eq!(output.outputs[1]["traceback"], traceback);
    assert_eq!(output.outputs[1]["output_type"], "error");
    assert_eq!(output.text, "a\nZeroDivisionError\nat line 1");
    let error = output.error.unwrap();
    assert_eq!(error.name, "ZeroDivisionError");
    assert_eq!(error.value, "by zero");
    assert_eq!(error.traceback, "ZeroDivisionError\nat line 1");
}

#[test]
fn an_error_without_a_traceback_still_says_what_it_is() {
    let output = fold(&[(
        "error",
        json!({"ename": "1", "evalue": null, "traceback": null}),
    )]);
    assert_eq!(output.text, "1:");
    assert_eq!(output.error.unwrap().traceback, "1: ");
}

#[test]
fn text_that_comes_in_pieces_is_joined() {
    let content = json!({"data": {"text/plain": ["a\n", "b"], "application/json": ["a", "b"], "text/x": ["a", 1]}});
    let output = fold(&[
        ("display_data", content),
        ("stream", json!({"name": "stdout", "text": ["c", "d"]})),
    ]);
    assert_eq!(
        output.outputs[0]["data"],
        json!({"text/plain": "a\nb", "application/json": ["a", "b"], "text/x": ["a", 1]})
    );
    assert_eq!(output.outputs[1]["text"], "cd");
    assert_eq!(output.text, "a\nb\ncd");
}

#[test]
fn an_update_changes_every_earlier_output_of_its_display() {
    let output = fold(&[
        display("1", "x"),
        display("2", "y"),
        display("3", "x"),
        update("4", "x"),
        update("5", "z"),
    ]);
    assert_eq!(output.text, "4\n2\n4");
    assert!(
        output
            .outputs
            .iter()
            .all(|output| output.get("transient").is_none())
    );
}

#[test]
fn clearing_takes_outputs_away_but_not_the_streams() {
    let output = fold(&[
        print("a"),
        display("b", "x"),
        clear(json!(false)),
        update("c", "x"),
        print("d"),
    ]);
    assert_eq!(output.text, "d");
    assert_eq!(output.stdout, "ad");
    assert_eq!(output.outputs.len(), 1);
}

#[test]
fn clearing_can_wait_for_the_next_output() {
    assert_eq!(
        fold(&[print("a"), clear(json!(true)), update("c", "x"), print("")]).text,
        "a"
    );
    for next in [print("b"), complain("b"), display("b", "x")] {
        let output = fold(&[print("a"), clear(json!(true)), next]);
        assert_eq!(output.text, "b");
        assert_eq!(output.outputs.len(), 1);
    }
}

#[test]
fn clearing_at_once_ends_the_wait() {
    let output = fold(&[
        print("a"),
        clear(json!(true)),
        clear(json!(null)),
        print("b"),
        print("c"),
    ]);
    assert_eq!(output.text, "bc");
}

#[test]
fn unknown_kinds_are_ignored() {
    assert_eq!(
        fold(&[
            ("status", json!({"execution_state": "busy"})),
            ("comm_open", json!(1)),
            ("", json!({}))
        ]),
        Output::default()
    );
}

#[test]
fn missing_and_null_fields_are_nothing() {
    let output = fold(&[
        ("stream", json!({})),
        (
            "display_data",
            json!({"data": null, "metadata": null, "transient": null}),
        ),
        ("execute_result", json!({"execution_count": null})),
        ("error", json!({})),
    ]);
    assert_eq!(output.outputs.len(), 3);
    assert_eq!(output.execution_count, None);
}

#[test]
fn half_a_surrogate_pair_costs_a_character_and_not_the_message() {
    let mut folder = OutputFolder::new(PLENTY);
    folder
        .take(&message(
            "stream",
            br#"{"name": "stdout", "text": "a\ud800b"}"#,
        ))
        .unwrap();
    assert_eq!(folder.finish().text, "a\u{fffd}b");
}

#[test]
fn what_cannot_be_read_is_skipped_and_counts() {
    let deep = format!("{{\"data\": {}1{}}}", "[".repeat(1000), "]".repeat(1000));
    let mut folder = OutputFolder::new(10_000);
    for _ in 0..4 {
        folder
            .take(&message("display_data", deep.as_bytes()))
            .unwrap();
    }
    assert_eq!(
        folder.take(&message("display_data", deep.as_bytes())),
        Err(OutputLimitReached)
    );
    assert_eq!(folder.finish(), Output::default());
}
