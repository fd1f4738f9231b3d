//! Whatever comes: nothing panics, and nothing grows past the limit.

use super::*;

fn kinds() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "stream",
        "display_data",
        "execute_result",
        "update_display_data",
        "error",
        "clear_output",
        "execute_input",
        "?",
    ])
}

/// Contents that are nearly right.
fn contents() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec!["stdout", "x", "é\u{1b}[1m"]).prop_map(Value::from),
        "[aé]{0,300}".prop_map(Value::from),
        vec("[aé]{0,9}", 0..4).prop_map(Value::from),
        Just(json!({"display_id": "x"})),
    ];
    let field = prop::sample::select(vec![
        "name",
        "text",
        "data",
        "metadata",
        "transient",
        "ename",
        "traceback",
        "wait",
    ]);
    let inner = prop::collection::hash_map("text/plain|image/png", leaf.clone(), 0..3)
        .prop_map(|map| Value::Object(map.into_iter().collect()));
    let object = vec((field, prop_oneof![leaf, inner]), 0..6).prop_map(|fields| {
        Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    });
    prop_oneof![
        9 => object.prop_map(|content| content.to_string().into_bytes()),
        1 => vec(any::<u8>(), 0..200),
    ]
}

/// Bytes of all text in a value.
fn size(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len() as u64,
        Value::Array(values) => values.iter().map(size).sum(),
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| key.len() as u64 + size(value))
            .sum(),
    }
}

proptest! {
    #[test]
    fn no_parts_make_it_panic(parts in vec(vec(any::<u8>(), 0..60), 0..7), kind in kinds(), content in vec(any::<u8>(), 0..60)) {
        let parts: Vec<_> = parts.into_iter().map(Bytes::from).collect();
        let mut folder = OutputFolder::new(1000);
        for message in MessageView::parse(&parts).into_iter().chain([message(kind, &content)]) {
            let _ = message.content();
            let _ = folder.take(&message);
        }
        let _ = folder.finish();
    }

    #[test]
    fn what_is_kept_is_within_the_limit(
        limit in 0..6000_u64,
        messages in vec((kinds(), contents()), 0..30),
    ) {
        let mut folder = OutputFolder::new(limit);
        let mut reached = false;
        for (kind, content) in &messages {
            let taken = folder.take(&message(kind, content));
            prop_assert!(!reached || taken.is_err());
            reached = taken.is_err();
        }
        let output = folder.finish();
        // Beside the names of their fields and kinds, which are ours.
        let names = |output: &Value| output.as_object().unwrap().keys().map(String::len).sum::<usize>() + 20;
        let outputs: u64 = output.outputs.iter().map(|output| size(output).saturating_sub(names(output) as u64)).sum();
        prop_assert!(outputs <= limit);
        prop_assert!((output.stdout.len() + output.stderr.len()) as u64 <= limit);
        prop_assert!(output.text.len() as u64 <= 2 * limit);
    }
}
