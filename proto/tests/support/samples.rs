//! Every message, with every optional field present and absent.

use serde_json::{Value as Json, json};
use whisper_proto::*;

use super::{Message, pack_json};

const ROOM: &str = "r-5f0c2a";
const PARTNER: &str = "p-91d7e3";
const ID: &str = "0190b5a1-7c3e-7d42-9f5e-3b1a6c8d2e4f";
const TAG: Tag = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
const NOON: u64 = 1_790_000_000_000;

/// A named sample of every message of both directions.
pub(crate) fn all() -> Vec<(String, Message<'static>)> {
    let client = client().into_iter().map(|(name, it)| (name, Message::Client(it)));
    let server = server().into_iter().map(|(name, it)| (name, Message::Server(it)));
    client.chain(server).collect()
}

/// The sample of that name.
pub(crate) fn named(name: &str) -> Message<'static> {
    let found = all().into_iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no sample is named {name:?}")).1
}

/// What a partner is told who has said this.
pub(crate) fn said(content: &str) -> Message<'_> {
    let (id, sender_id, timestamp, seq, tag) = (ID, PARTNER, NOON, 1, TAG);
    Message::Server(ServerMessage::Message(Said { id, sender_id, content, timestamp, seq, tag }))
}

fn client() -> Vec<(String, ClientMessage<'static>)> {
    use ClientMessage as C;
    let hello = Hello {
        fingerprint: Some("fp:7c1e"),
        language: Some("pt-BR"),
        resume: Some(b"\x01resume token"),
        last_seq: Some(7),
        proof: Some(b"\x02proof"),
    };
    let join = Join {
        lane: lane(AgeCategory::Adult, Mode::Text, QueueType::Moderated),
        interests: ["music", "Größe", "音楽", "🎸"].into_iter().collect(),
        relax: Relax::Anyone,
        language: LanguageWish::Same,
    };
    let evidence = |seq, content| Evidence { seq, content, timestamp: NOON + seq, tag: TAG };
    let report = Report {
        reason: ReportReason::Harassment,
        comment: Some("they would not stop"),
        id: Some(ID),
        evidence: vec![evidence(1, "first"), evidence(2, "second \u{1f44b}")],
        block: true,
        room: Some(ROOM),
    };
    let bare_report = Report {
        reason: ReportReason::Other,
        comment: None,
        id: None,
        evidence: Vec::new(),
        block: false,
        room: None,
    };

    let mut all = vec![
        sample("hello, all", C::Hello(hello)),
        sample("hello, nothing", C::Hello(Hello::default())),
        sample("hello, fingerprint", C::Hello(Hello { fingerprint: Some(""), ..<_>::default() })),
        sample("hello, resume", C::Hello(Hello { resume: Some(b""), ..<_>::default() })),
        sample("join, all", C::Join(join.clone())),
        sample(
            "join, defaults",
            C::Join(Join {
                relax: Relax::Gradual,
                language: LanguageWish::Any,
                interests: Names::new(),
                ..join.clone()
            }),
        ),
        sample(
            "join, strict, ten interests",
            C::Join(Join {
                relax: Relax::Strict,
                interests: ["a", "b", "c", "d", "e", "f", "g", "h", "i", ""].into(),
                ..join.clone()
            }),
        ),
        sample("leave", C::Leave),
        sample(
            "message, all",
            C::Message(Say { content: "hello, stranger", id: Some(ID), room: Some(ROOM) }),
        ),
        sample("message, content only", C::Message(Say { content: "h", id: None, room: None })),
        sample("message, white space", C::Message(Say { content: " ", id: None, room: None })),
        sample(
            "message, unicode",
            C::Message(Say {
                content: "שלום \u{1f469}\u{200d}\u{1f680}\0", id: None, room: None
            }),
        ),
        sample(
            "message, longest",
            C::Message(Say { content: LONGEST.as_str(), id: None, room: None }),
        ),
        sample("skip, all", C::Skip(Skip { reason: Some("not my kind"), room: Some(ROOM) })),
        sample("skip, nothing", C::Skip(Skip::default())),
        sample("ack", C::Ack { seq: 300 }),
        sample("typing, room", C::Typing { is_typing: true, room: Some(ROOM) }),
        sample("typing", C::Typing { is_typing: false, room: None }),
        sample("video_toggle, room", C::VideoToggle { enabled: true, room: Some(ROOM) }),
        sample("video_toggle", C::VideoToggle { enabled: false, room: None }),
        sample("audio_toggle, room", C::AudioToggle { enabled: false, room: Some(ROOM) }),
        sample("audio_toggle", C::AudioToggle { enabled: true, room: None }),
        sample("report, all", C::Report(report.clone())),
        sample("report, reason only", C::Report(bare_report.clone())),
        sample("read, room", C::Read { seq: 70_000, room: Some(ROOM) }),
        sample("read", C::Read { seq: 0, room: None }),
        sample("ping", C::Ping),
    ];
    all.extend(signals().map(|(name, signal)| (name, C::Signal(signal))));
    for lane in lanes() {
        let name = format!("join, {} {} {}", lane.age, lane.mode, lane.queue);
        all.push((name, C::Join(Join { lane, ..join.clone() })));
    }
    for &reason in ReportReason::ALL {
        let report = Report { reason, ..bare_report.clone() };
        all.push((format!("report, {reason}"), C::Report(report)));
    }
    all
}

fn server() -> Vec<(String, ServerMessage<'static>)> {
    use ServerMessage as S;
    let connected = Connected {
        user_id: "u-3e8f10",
        resume: b"\x01resume token",
        server_time: NOON,
        limits: SessionLimits {
            message_bytes: 16_384,
            content_chars: 2_000,
            interests: 10,
            interest_chars: 32,
        },
        ice_servers: Some(raw(json!([
            { "urls": ["stun:stun.example:3478"] },
            { "urls": "turn:turn.example", "username": "u", "credential": "c" },
        ]))),
        relay_only: true,
        lanes: lanes().collect(),
        challenge: Some(raw(json!({ "kind": "work", "bits": 18, "salt": { "$bin": "AQID" } }))),
    };
    let matched = Matched {
        room_id: ROOM,
        partner_id: PARTNER,
        mode: Mode::Video,
        is_initiator: true,
        interests: ["javascript", "music", "音楽"].into_iter().collect(),
        shared: ["music"].into_iter().collect(),
        tier: Tier::Single,
        waited_ms: 271,
    };
    let warning = ModerationWarning {
        message: "Please keep personal data to yourself.",
        severity: Severity::Medium,
        code: "personal_information",
        warnings: 2,
        blocked: true,
    };
    let error = ErrorMessage {
        code: ErrorCode::RateLimited,
        message: "too many messages",
        id: Some(ID),
        retry_after_ms: Some(1_500),
    };

    let mut all = vec![
        sample("connected, all", S::Connected(connected.clone())),
        sample(
            "connected, required only",
            S::Connected(Connected {
                ice_servers: None,
                relay_only: false,
                lanes: Lanes::new(),
                challenge: None,
                ..connected
            }),
        ),
        sample("matched", S::Matched(matched.clone())),
        sample(
            "matched, nothing shared",
            S::Matched(Matched {
                mode: Mode::Text,
                is_initiator: false,
                interests: Names::new(),
                shared: Names::new(),
                tier: Tier::Any,
                waited_ms: 0,
                ..matched
            }),
        ),
        sample(
            "message",
            S::Message(Said {
                id: ID,
                sender_id: PARTNER,
                content: "hello back \u{1f44b}",
                timestamp: NOON,
                seq: 1,
                tag: TAG,
            }),
        ),
        sample("message_ack", S::MessageAck { id: ID, seq: 12 }),
        sample("partner_typing", S::PartnerTyping { is_typing: true }),
        sample("partner_typing, stopped", S::PartnerTyping { is_typing: false }),
        sample("partner_video_toggle", S::PartnerVideoToggle { enabled: true }),
        sample("partner_audio_toggle", S::PartnerAudioToggle { enabled: false }),
        sample("partner_skipped", S::PartnerSkipped),
        sample("partner_disconnected", S::PartnerDisconnected),
        sample("partner_reconnecting", S::PartnerReconnecting { grace_ms: 20_000 }),
        sample("partner_resumed", S::PartnerResumed),
        sample("partner_read", S::PartnerRead { seq: 128 }),
        sample("match_timeout", S::MatchTimeout { waited_ms: 30_000 }),
        sample(
            "stats",
            S::Stats(Stats {
                total_online: 1_000_000,
                in_queue: 255,
                active_chats: 499_872,
                avg_match_ms: 84,
                stale: false,
            }),
        ),
        sample("report_received", S::ReportReceived { id: ID }),
        sample(
            "banned, for a while",
            S::Banned(Banned { reason: "Reported by many.", code: "reports", until: Some(NOON) }),
        ),
        sample("banned, for good", S::Banned(Banned { reason: "", code: "operator", until: None })),
        sample(
            "reconnect, elsewhere",
            S::Reconnect(Reconnect { after_ms: 750, url: Some("wss://b.example/ws") }),
        ),
        sample("reconnect", S::Reconnect(Reconnect { after_ms: 0, url: None })),
        sample("error, all", S::Error(error)),
        sample("pong", S::Pong { timestamp: NOON }),
    ];
    all.extend(signals().map(|(name, signal)| (format!("partner's {name}"), S::Signal(signal))));
    for &tier in Tier::ALL {
        let searching = Searching { position: 3, estimated_ms: 1_200, tier };
        all.push((format!("searching, {tier}"), S::Searching(searching)));
    }
    for &severity in Severity::ALL {
        let warning = ModerationWarning { severity, ..warning };
        all.push((format!("moderation_warning, {severity}"), S::ModerationWarning(warning)));
    }
    for &code in ErrorCode::ALL {
        let error = ErrorMessage { code, id: None, retry_after_ms: None, ..error };
        all.push((format!("error, {code}"), S::Error(error)));
    }
    all
}

fn signals() -> impl Iterator<Item = (String, Signal<'static>)> {
    let sdp = "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
    let candidate = "candidate:1 1 udp 2122260223 192.0.2.1 54400 typ host";
    [
        ("offer", SignalKind::Offer, json!({ "type": "offer", "sdp": sdp })),
        ("offer, room", SignalKind::Offer, json!({ "roomId": ROOM, "sdp": sdp })),
        ("offer, empty", SignalKind::Offer, json!({})),
        ("answer, room", SignalKind::Answer, json!({ "roomId": ROOM, "sdp": sdp })),
        (
            "ice_candidate, room",
            SignalKind::IceCandidate,
            json!({
                "candidate": { "candidate": candidate, "sdpMid": "0", "sdpMLineIndex": 0,
                    "usernameFragment": null },
                "roomId": ROOM,
                "extra": [-1, 1.5, true, [[]], { "$bin": "AP8" }],
            }),
        ),
    ]
    .into_iter()
    .map(|(name, kind, body)| (name.to_owned(), Signal::new(kind, raw(body)).expect("a good body")))
}

fn lanes() -> impl Iterator<Item = Lane> {
    AgeCategory::ALL.iter().flat_map(|&age| {
        Mode::ALL
            .iter()
            .flat_map(move |&mode| QueueType::ALL.iter().map(move |&queue| lane(age, mode, queue)))
    })
}

const fn lane(age: AgeCategory, mode: Mode, queue: QueueType) -> Lane {
    Lane { age, mode, queue }
}

fn sample<M>(name: &str, message: M) -> (String, M) {
    (name.to_owned(), message)
}

/// Samples borrow for as long as the test runs.
fn raw(json: Json) -> &'static [u8] {
    pack_json(&json).leak()
}

static LONGEST: std::sync::LazyLock<String> =
    std::sync::LazyLock::new(|| "\u{1f600}".repeat(limits::CONTENT_CHARS));
