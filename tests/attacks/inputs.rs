//! Attacks on the service itself, by what clients send: what stops each, and the test that tries it.

/// An attack by a client.
pub struct InputAttack {
    /// What it tries.
    pub attack: &'static str,
    /// What stops it.
    pub stopped_by: &'static str,
    /// The file of the test, from the root.
    pub file: &'static str,
    /// The test.
    pub test: &'static str,
}

const fn attack(
    attack: &'static str,
    stopped_by: &'static str,
    file: &'static str,
    test: &'static str,
) -> InputAttack {
    InputAttack {
        attack,
        stopped_by,
        file,
        test,
    }
}

/// All of them.
pub const ALL: &[InputAttack] = &[
    attack(
        "a head without end; headers without number",
        "64 KiB and 100 headers at most, before anybody is asked for a key",
        "tests/http/connections.rs",
        "a_head_is_bounded",
    ),
    attack(
        "half a head, or nothing at all",
        "`request_timeout` for each head",
        "tests/http/connections.rs",
        "a_silent_connection_is_closed",
    ),
    attack(
        "five hundred connections that say nothing",
        "a bound on connections, and `request_timeout`",
        "tests/bad_days/clients.rs",
        "five_hundred_connections_that_say_nothing_keep_nobody_waiting_and_are_closed",
    ),
    attack(
        "a body that drips",
        "`request_timeout` for the whole of it",
        "tests/http/connections.rs",
        "a_slow_body_is_answered_with_408",
    ),
    attack(
        "a body without end, or longer than it says",
        "a bound for each kind of body, counted as it comes",
        "tests/http/files.rs",
        "a_file_has_a_limit",
    ),
    attack(
        "large bodies on many connections at once",
        "`body_memory`",
        "tests/http/memory.rs",
        "whoever_sends_too_much_at_once_is_refused_and_harms_nobody",
    ),
    attack(
        "large files, asked for and not read, on many connections",
        "`body_memory`",
        "tests/http/memory.rs",
        "a_file_is_held_until_its_reader_has_it",
    ),
    attack(
        "the beginnings of large messages on many WebSockets",
        "`body_memory`, by bytes as they come",
        "tests/http/channels.rs",
        "what_clients_send_takes_of_the_memory_until_the_kernel_has_it",
    ),
    attack(
        "a message of 100 MiB",
        "64 MiB at most, by what its frame says",
        "tests/http/channels.rs",
        "a_message_of_100_mib_is_refused_before_it_is_read",
    ),
    attack(
        "frames that are none of a WebSocket's",
        "the connection is closed, and no other",
        "tests/http/channels.rs",
        "what_breaks_the_websocket_s_own_rules_closes_it",
    ),
    attack(
        "messages whose offsets contradict each other, without channel, without header",
        "both framings are checked before anything is passed on; both are fuzzed",
        "tests/http/channels.rs",
        "a_message_that_is_none_closes_its_own_connection_and_no_other",
    ),
    attack(
        "a half-open WebSocket, which answers no ping",
        "it is closed after 90 s",
        "tests/http/channels.rs",
        "a_client_that_answers_no_ping_is_closed",
    ),
    attack(
        "a WebSocket whose client reads nothing, while the kernel prints",
        "it is cut off, and comes back to a ring of bounded size",
        "tests/bad_days/clients.rs",
        "a_client_that_does_not_read_its_kernel_is_cut_off_and_the_others_hear_on",
    ),
    attack(
        "an answer that nobody reads",
        "`request_timeout` for each write",
        "tests/http/connections.rs",
        "a_client_that_does_not_read_its_answer_is_dropped",
    ),
    attack(
        "a stream of events that nobody reads",
        "a bounded queue, and the execution's own timeout",
        "tests/bad_days/clients.rs",
        "a_client_that_does_not_read_its_events_costs_little_and_loses_its_sandbox",
    ),
    attack(
        "words in the kernel's name: output that a client made up for others",
        "only shell, control and stdin are taken from clients",
        "tests/http/channels.rs",
        "a_client_cannot_speak_for_the_kernel",
    ),
    attack(
        "JSON a hundred thousand deep, in the body and in each field",
        "fields are found without recursion, and read into their types with a bound on depth",
        "tests/http/hostile.rs",
        "json_however_deep_is_refused_where_it_stands",
    ),
    attack(
        "a notebook a hundred thousand deep",
        "it is looked at without recursion, and passed on as it is",
        "tests/http/hostile.rs",
        "a_notebook_however_deep_is_kept_as_it_is",
    ),
    attack(
        "a body of a million unknown fields",
        "fifty things that are wrong are told, and no more looked into",
        "tests/http/hostile.rs",
        "of_a_million_things_wrong_some_are_told",
    ),
    attack(
        "a field that becomes many times its size: lists and lines without number",
        "a bound on the items of each",
        "tests/http/hostile.rs",
        "stdin_has_no_more_lines_than_a_list_may_have",
    ),
    attack(
        "a body that grows when it is unpacked",
        "nothing is",
        "tests/http/hostile.rs",
        "what_is_compressed_stays_so",
    ),
    attack(
        "a form whose parts never say what they are",
        "its parser keeps 64 KiB at most",
        "tests/http/files.rs",
        "a_form_holds_no_more_than_a_head_until_it_says_what_it_is",
    ),
    attack(
        "a form that is cut short",
        "nothing of it is stored",
        "tests/http/files.rs",
        "a_form_cut_short_stores_nothing",
    ),
    attack(
        "a tar with links, devices, pipes, sparse files, names that lead out",
        "the agent takes files and folders below the directory, and follows no link",
        "crates/agent/src/files/unpack.rs",
        "nothing_but_files_and_folders_below_is_accepted",
    ),
    attack(
        "a tar through links that the sandbox's code has made",
        "each folder on the way is opened by itself, without links",
        "crates/agent/tests/agent/files.rs",
        "no_tar_goes_in_or_out_through_a_link_or_elsewhere",
    ),
    attack(
        "a tar that does not end",
        "it is given up, and holds nothing up",
        "crates/agent/tests/agent/files.rs",
        "a_tar_that_is_not_sent_to_its_end_is_given_up_and_holds_nothing_up",
    ),
    attack(
        "files that grow on their way out: sparse giants, crowds, folders without end",
        "bounds on size and number; the agent walks without recursion",
        "tests/engine/session_files.rs",
        "hostile_files_are_bounded_refused_and_removed",
    ),
    attack(
        "a tar from a sandbox whose sizes and names are lies",
        "it is taken as far as it is true, and by names that are checked",
        "tests/service/files.rs",
        "a_tar_that_lies_is_taken_as_far_as_it_is_true",
    ),
    attack(
        "file names that lead elsewhere",
        "a name has no slash, and no path leads out of its directory",
        "tests/http/bad_input.rs",
        "a_file_name_stays_in_the_working_directory",
    ),
    attack(
        "a path out of the store of files, or out of the contents",
        "names of the store are made by the service; paths lead down only",
        "tests/http/contents.rs",
        "no_path_leads_out_or_nowhere",
    ),
    attack(
        "a guess at the url of another's file",
        "it carries a signature",
        "tests/http/keys.rs",
        "a_signed_url_needs_no_key_and_cannot_be_guessed",
    ),
    attack(
        "another owner's files, sessions, kernels",
        "they are 404, as what does not exist",
        "tests/http/places.rs",
        "nobody_sees_another_owner_s_files_and_nobody_anything_without_a_key",
    ),
    attack(
        "a stored web page that acts in the service's name",
        "it is sandboxed, downloaded, and of no type that runs",
        "tests/http/files.rs",
        "a_stored_page_cannot_act_in_our_name",
    ),
    attack(
        "a web page elsewhere, in the browser of somebody whose service asks for no key",
        "its `Origin` is refused",
        "tests/http/local.rs",
        "a_page_elsewhere_is_refused",
    ),
    attack(
        "a name that was made to mean this machine (DNS rebinding)",
        "its `Host` is refused",
        "tests/http/local.rs",
        "a_rebound_host_is_refused",
    ),
    attack(
        "urls to elsewhere, by `X-Forwarded-Host`",
        "it is not believed",
        "tests/http/files.rs",
        "forwarded_hosts_are_not_believed",
    ),
    attack(
        "what was begun with a key, after the key is revoked",
        "executions and WebSockets end with it",
        "tests/http/revoked.rs",
        "executions_and_websockets_end_when_their_key_is_revoked_and_no_others_do",
    ),
];
