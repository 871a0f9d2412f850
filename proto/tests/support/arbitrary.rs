//! Strategies for every message. What they borrow is leaked: a test process is short-lived.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use rmpv::Value;
use whisper_proto::limits::{
    COMMENT_CHARS, CONTENT_CHARS, EVIDENCE, FINGERPRINT_CHARS, ID_CHARS, INTERESTS, LANES,
    LANGUAGE_CHARS, REASON_CHARS,
};
use whisper_proto::*;

use super::{Message, pack};

pub(crate) fn message() -> impl Strategy<Value = Message<'static>> {
    prop_oneof![
        client_message().prop_map(Message::Client),
        server_message().prop_map(Message::Server),
    ]
}

pub(crate) fn client_message() -> impl Strategy<Value = ClientMessage<'static>> {
    use ClientMessage as C;
    prop_oneof![
        hello().prop_map(C::Hello),
        join().prop_map(C::Join),
        Just(C::Leave),
        say().prop_map(C::Message),
        (option::of(text(0, REASON_CHARS)), room())
            .prop_map(|(reason, room)| C::Skip(Skip { reason, room })),
        number().prop_map(|seq| C::Ack { seq }),
        (any::<bool>(), room()).prop_map(|(is_typing, room)| C::Typing { is_typing, room }),
        (any::<bool>(), room()).prop_map(|(enabled, room)| C::VideoToggle { enabled, room }),
        (any::<bool>(), room()).prop_map(|(enabled, room)| C::AudioToggle { enabled, room }),
        signal().prop_map(C::Signal),
        report().prop_map(C::Report),
        (number(), room()).prop_map(|(seq, room)| C::Read { seq, room }),
        Just(C::Ping),
    ]
}

pub(crate) fn server_message() -> impl Strategy<Value = ServerMessage<'static>> {
    use ServerMessage as S;
    let in_chat = prop_oneof![
        said().prop_map(S::Message),
        (text(0, ID_CHARS), number()).prop_map(|(id, seq)| S::MessageAck { id, seq }),
        any::<bool>().prop_map(|is_typing| S::PartnerTyping { is_typing }),
        any::<bool>().prop_map(|enabled| S::PartnerVideoToggle { enabled }),
        any::<bool>().prop_map(|enabled| S::PartnerAudioToggle { enabled }),
        signal().prop_map(S::Signal),
        Just(S::PartnerSkipped),
        Just(S::PartnerDisconnected),
        any::<u32>().prop_map(|grace_ms| S::PartnerReconnecting { grace_ms }),
        Just(S::PartnerResumed),
        number().prop_map(|seq| S::PartnerRead { seq }),
    ];
    let around = prop_oneof![
        connected().prop_map(S::Connected),
        searching().prop_map(S::Searching),
        matched().prop_map(S::Matched),
        any::<u32>().prop_map(|waited_ms| S::MatchTimeout { waited_ms }),
        moderation_warning().prop_map(S::ModerationWarning),
        stats().prop_map(S::Stats),
        text(0, ID_CHARS).prop_map(|id| S::ReportReceived { id }),
        (text(0, 99), text(0, 20), option::of(number()))
            .prop_map(|(reason, code, until)| S::Banned(Banned { reason, code, until })),
        (any::<u32>(), option::of(text(0, 99)))
            .prop_map(|(after_ms, url)| S::Reconnect(Reconnect { after_ms, url })),
        error().prop_map(S::Error),
        number().prop_map(|timestamp| S::Pong { timestamp }),
    ];
    prop_oneof![in_chat, around]
}

/// Any msgpack at all, `depth` maps and arrays deep at most.
pub(crate) fn msgpack(depth: u32) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<f32>().prop_map(Value::from),
        text(0, 12).prop_map(Value::from),
        vec(any::<u8>(), 0..20).prop_map(Value::Binary),
        (any::<i8>(), vec(any::<u8>(), 0..20)).prop_map(|(kind, bytes)| Value::Ext(kind, bytes)),
    ];
    leaf.prop_recursive(depth, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::Array),
            vec((inner.clone(), inner), 0..6).prop_map(Value::Map),
        ]
    })
}

fn hello() -> impl Strategy<Value = Hello<'static>> {
    let fingerprint = option::of(text(0, FINGERPRINT_CHARS));
    let language = option::of(text(0, LANGUAGE_CHARS));
    (fingerprint, language, option::of(bytes()), option::of(number()), option::of(bytes()))
        .prop_map(|(fingerprint, language, resume, last_seq, proof)| Hello {
            fingerprint,
            language,
            resume,
            last_seq,
            proof,
        })
}

fn join() -> impl Strategy<Value = Join<'static>> {
    (lane(), names(), select(Relax::ALL), select(LanguageWish::ALL))
        .prop_map(|(lane, interests, relax, language)| Join { lane, interests, relax, language })
}

fn say() -> impl Strategy<Value = Say<'static>> {
    (text(1, CONTENT_CHARS), option::of(text(0, ID_CHARS)), room())
        .prop_map(|(content, id, room)| Say { content, id, room })
}

fn report() -> impl Strategy<Value = Report<'static>> {
    let evidence = (number(), text(0, 80), number(), any::<Tag>())
        .prop_map(|(seq, content, timestamp, tag)| Evidence { seq, content, timestamp, tag });
    let words = (option::of(text(0, COMMENT_CHARS)), option::of(text(0, ID_CHARS)));
    (select(ReportReason::ALL), words, vec(evidence, 0..=EVIDENCE), any::<bool>(), room()).prop_map(
        |(reason, (comment, id), evidence, block, room)| Report {
            reason,
            comment,
            id,
            evidence,
            block,
            room,
        },
    )
}

fn signal() -> impl Strategy<Value = Signal<'static>> {
    let entries = vec((text(0, 12), msgpack(4)), 0..6);
    (select(SignalKind::ALL), entries, room()).prop_map(|(kind, entries, room)| {
        let entries = entries.into_iter().filter(|(key, _)| *key != "roomId");
        let mut body: Vec<_> = entries.map(|(key, value)| (Value::from(key), value)).collect();
        body.extend(room.map(|room| (Value::from("roomId"), Value::from(room))));
        Signal::new(kind, pack(&Value::Map(body)).leak()).expect("a good body")
    })
}

fn connected() -> impl Strategy<Value = Connected<'static>> {
    let limits =
        any::<[u32; 4]>().prop_map(|[message_bytes, content_chars, interests, interest_chars]| {
            SessionLimits { message_bytes, content_chars, interests, interest_chars }
        });
    let array = vec(msgpack(3), 0..4).prop_map(|values| &*pack(&Value::Array(values)).leak());
    let map =
        vec((msgpack(3), msgpack(3)), 0..4).prop_map(|entries| &*pack(&Value::Map(entries)).leak());
    let terms = (option::of(array), any::<bool>(), vec(lane(), 0..=LANES), option::of(map));
    (text(0, 40), bytes(), number(), limits, terms).prop_map(
        |(user_id, resume, server_time, limits, (ice_servers, relay_only, lanes, challenge))| {
            Connected {
                user_id,
                resume,
                server_time,
                limits,
                ice_servers,
                relay_only,
                lanes: lanes.into_iter().collect(),
                challenge,
            }
        },
    )
}

fn searching() -> impl Strategy<Value = Searching> {
    (any::<u32>(), any::<u32>(), select(Tier::ALL))
        .prop_map(|(position, estimated_ms, tier)| Searching { position, estimated_ms, tier })
}

fn matched() -> impl Strategy<Value = Matched<'static>> {
    let ids = (text(0, 40), text(0, 40));
    let how = (select(Mode::ALL), any::<bool>(), select(Tier::ALL), any::<u32>());
    (ids, how, names(), names()).prop_map(
        |((room_id, partner_id), (mode, is_initiator, tier, waited_ms), interests, shared)| {
            Matched { room_id, partner_id, mode, is_initiator, interests, shared, tier, waited_ms }
        },
    )
}

fn said() -> impl Strategy<Value = Said<'static>> {
    let ids = (text(0, ID_CHARS), text(0, 40));
    (ids, text(0, CONTENT_CHARS), number(), number(), any::<Tag>()).prop_map(
        |((id, sender_id), content, timestamp, seq, tag)| Said {
            id,
            sender_id,
            content,
            timestamp,
            seq,
            tag,
        },
    )
}

fn moderation_warning() -> impl Strategy<Value = ModerationWarning<'static>> {
    (text(0, 99), select(Severity::ALL), text(0, 20), any::<u32>(), any::<bool>()).prop_map(
        |(message, severity, code, warnings, blocked)| ModerationWarning {
            message,
            severity,
            code,
            warnings,
            blocked,
        },
    )
}

fn stats() -> impl Strategy<Value = Stats> {
    (number(), number(), number(), any::<u32>(), any::<bool>()).prop_map(
        |(total_online, in_queue, active_chats, avg_match_ms, stale)| Stats {
            total_online,
            in_queue,
            active_chats,
            avg_match_ms,
            stale,
        },
    )
}

fn error() -> impl Strategy<Value = ErrorMessage<'static>> {
    let code = select(ErrorCode::ALL);
    (code, text(0, 99), option::of(text(0, ID_CHARS)), option::of(any::<u32>())).prop_map(
        |(code, message, id, retry_after_ms)| ErrorMessage { code, message, id, retry_after_ms },
    )
}

fn lane() -> impl Strategy<Value = Lane> {
    (select(AgeCategory::ALL), select(Mode::ALL), select(QueueType::ALL))
        .prop_map(|(age, mode, queue)| Lane { age, mode, queue })
}

fn names() -> impl Strategy<Value = Names<'static>> {
    vec(text(0, 40), 0..=INTERESTS).prop_map(|names| names.into_iter().collect())
}

fn room() -> impl Strategy<Value = Option<&'static str>> {
    option::of(text(0, 40))
}

/// Of `min` to `max` chars of all of Unicode: mostly short, now and then as long as may be.
fn text(min: usize, max: usize) -> impl Strategy<Value = &'static str> {
    prop_oneof![
        8 => vec(any::<char>(), min..=max.min(40)),
        1 => vec(any::<char>(), min..=max),
        1 => vec(any::<char>(), max),
    ]
    .prop_map(|chars| &*String::from_iter(chars).leak())
}

fn bytes() -> impl Strategy<Value = &'static [u8]> {
    vec(any::<u8>(), 0..300).prop_map(|bytes| &*bytes.leak())
}

/// Of every width.
fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0u32..64).prop_map(|(number, shift)| number >> shift)
}
