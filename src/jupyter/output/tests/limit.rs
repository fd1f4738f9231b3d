//! The limit: what is kept up to it, and that nothing gets past it.

use super::*;

#[test]
fn a_stream_is_cut_at_the_limit_between_characters() {
    let limit = 256 + "stdout".len() as u64 + 10;
    let (output, end) = fold_within(limit, &[print("éééé"), print("ééé"), print("a")]);
    assert_eq!(end, Err(OutputLimitReached));
    assert_eq!(output.stdout, "ééééé");
    assert_eq!(fold_within(limit, &[print("0123456789")]).1, Ok(()));
}

#[test]
fn an_output_that_does_not_fit_is_left_out_whole() {
    let picture = "a".repeat(10_000);
    let (output, end) = fold_within(5_000, &[print("a"), display(&picture, "x"), print("b")]);
    assert_eq!(end, Err(OutputLimitReached));
    assert_eq!(output.text, "a");
}

#[test]
fn past_the_limit_nothing_is_taken_any_more() {
    let mut folder = OutputFolder::new(300);
    let (kind, content) = print(&"a".repeat(1000));
    let long = message(kind, content.to_string().as_bytes());
    assert_eq!(folder.take(&long), Err(OutputLimitReached));
    assert_eq!(
        folder.take(&message("status", b"{}")),
        Err(OutputLimitReached)
    );
}

/// How many times a round of messages fits, a thousand at most.
fn rounds(round: &[(&str, Value)]) -> usize {
    let mut folder = OutputFolder::new(100_000);
    let round: Vec<_> = round
        .iter()
        .map(|(kind, content)| message(kind, content.to_string().as_bytes()))
        .collect();
    (0..1000)
        .take_while(|_| round.iter().all(|message| folder.take(message).is_ok()))
        .count()
}

#[test]
fn empty_outputs_end_at_the_limit_too() {
    assert!(rounds(&[("display_data", json!({}))]) < 500);
    assert!(rounds(&[("error", json!({}))]) < 500);
    assert!(rounds(&[("display_data", json!({"data": {"a": [[], {}, null, 1]}}))]) < 500);
}

#[test]
fn clearing_gives_nothing_back() {
    assert!(rounds(&[print("a"), clear(json!(false))]) < 500);
    assert!(rounds(&[print("a"), clear(json!(true))]) < 500);
}

#[test]
fn every_copy_of_an_update_counts() {
    let shown: Vec<_> = (0..50).map(|_| display("", "x")).collect();
    let mut messages = shown.clone();
    messages.push(update(&"a".repeat(2_000), "x"));
    let limit = 100_000;
    assert_eq!(fold_within(limit, &shown).1, Ok(()));
    let (output, end) = fold_within(limit, &messages);
    assert_eq!(end, Err(OutputLimitReached));
    assert_eq!(output.text, "");
}

#[test]
fn what_would_be_too_much_once_it_is_parsed_is_not_parsed() {
    let zeros = vec![0; 100_000];
    let shown = ("display_data", json!({"data": {"application/json": zeros}}));
    let (output, end) = fold_within(1 << 20, std::slice::from_ref(&shown));
    assert_eq!((output.outputs.len(), end), (0, Err(OutputLimitReached)));
    let (output, end) = fold_within(8 << 20, &[shown]);
    assert_eq!((output.outputs.len(), end), (1, Ok(())));
}

#[test]
fn a_reply_s_error_counts_where_no_other_is_told() {
    let error = json!({"status": "error", "ename": "E", "evalue": "e", "traceback": ["a", 7, "\u{1b}[31mb"]});
    let replied = |limit, before: &[(&str, Value)], reply: &Value| {
        let mut folder = OutputFolder::new(limit);
        for (kind, content) in before {
            folder
                .take(&message(kind, content.to_string().as_bytes()))
                .unwrap();
        }
        let reply = message("execute_reply", reply.to_string().as_bytes());
        (folder.take_reply(&reply), folder.finish().error)
    };
    let (status, told) = replied(PLENTY, &[], &error);
    assert_eq!(
        (status, told.unwrap().traceback.as_str()),
        (Ok(Replied::Failed), "a\n\nb")
    );
    assert_eq!(replied(100, &[], &error), (Err(OutputLimitReached), None));
    let before = [(
        "error",
        json!({"ename": "F", "evalue": "f", "traceback": []}),
    )];
    let (status, told) = replied(300, &before, &error);
    assert_eq!(
        (status, told.unwrap().name.as_str()),
        (Ok(Replied::Failed), "F")
    );
    let (status, told) = replied(PLENTY, &[], &json!({"status": "ok", "traceback": [1]}));
    assert_eq!((status, told), (Ok(Replied::Ok), None));
    let heavy = json!({"status": "ok", "a": vec![0; 100_000]});
    assert_eq!(replied(PLENTY, &[], &heavy), (Ok(Replied::Failed), None));
}
