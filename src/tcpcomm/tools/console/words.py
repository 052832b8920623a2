"""The words of the console, in English and in Korean: :class:`Words`."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping
from typing import Final

from tcpcomm.errors import ConfigurationError

LANGUAGES: Final = ("en", "ko")
"""The languages of the console."""

_ENGLISH: Final = {
    "title": "{name}: links",
    "total": "{rate} frames/s",
    "none": "No link and no server yet. They appear here as soon as the program opens one.",
    "state.down": "down",
    "state.connecting": "connecting",
    "state.handshaking": "handshake",
    "state.ready": "ready",
    "state.suspect": "suspect",
    "state.draining": "closing",
    "state.listening": "listening",
    "state.idle": "idle",
    "state.open": "connected",
    "state.closed": "closed",
    "kind.link": "link",
    "kind.server": "server",
    "kind.tap": "tap",
    "sessions.1": "1 session",
    "sessions": "{count} sessions",
    "more.sessions": "{count} more sessions are open",
    "more.sources": "{count} more links and servers are not followed",
    "column.state": "state",
    "column.name": "name",
    "column.peer": "peer",
    "column.rate": "frames/s",
    "column.trips": "p50 / p99",
    "column.minute": "minute",
    "column.again": "again",
    "column.faults": "faults",
    "reconnects": "{count} × reconnected",
    "faults": "{count} faults",
    "counts": "received {frames_in} frames, sent {frames_out}",
    "for": "for {age}",
    "error": "last error {time}: {text}",
    "error.none": "no error so far",
    "active": "disturbances: {list}",
    "column.time": "time",
    "column.gap": "µs",
    "column.what": "message",
    "column.took": "took",
    "column.hex": "hex",
    "column.text": "text",
    "frames.none": "No frames yet.",
    "frames.filtered": "The filter lets none of {kept} rows through.",
    "frames.count": "{shown} of {kept} rows",
    "frames.left": "{count} rows left out",
    "frozen": "FROZEN, {count} newer",
    "filter": "filter: {text}",
    "filter.example": 'locate, "no part", fault, to, from, hex 54 52, x > 12.5, -ping',
    "row.left": "{count} rows left out: they came faster than this terminal takes them",
    "row.reply": "reply to {name}",
    "row.fault": "fault reply to {name}",
    "brief.reply": "reply",
    "brief.fault": "fault reply",
    "row.command": "command",
    "row.event": "event",
    "row.login": "login",
    "row.heartbeat": "heartbeat",
    "row.part": "part of a reply",
    "row.unreadable": "unreadable",
    "row.other": "other",
    "row.frame": "frame",
    "row.raw": "raw bytes",
    "row.half": "cut here",
    "row.error": "broken framing",
    "row.altered": "disturbed",
    "row.state": "state",
    "row.dropped": "left out",
    "tag.cut": "cut: {chunks} chunks",
    "tag.glued": "glued",
    "to": "to the equipment",
    "from": "from the equipment",
    "answers": "answers {request} after {took}",
    "answered": "answered after {took} by {reply}",
    "unanswered": "no answer yet",
    "bytes": "{count} bytes",
    "bytes.kept": "{count} bytes, of which {kept} are kept",
    "log": "log",
    "log.none": "No line yet.",
    "key.open": "Frames",
    "key.back": "Back",
    "key.filter": "Filter",
    "key.freeze": "Freeze",
    "key.copy": "Copy",
    "key.form": "Send",
    "key.disturb": "Disturb",
    "key.kick": "Kick",
    "key.retry": "Retry",
    "key.log": "Log",
    "key.help": "Help",
    "key.quit": "Quit",
    "key.faults": "Fault",
    "key.pair": "Pair",
    "key.clear": "Clear",
    "key.end": "Newest",
    "kick.ask": "Close the connection of {peer} at once?",
    "kick.link": "The link connects again by itself.",
    "kick.done": "The connection of {peer} is closed.",
    "kick.none": "There is no open session here.",
    "yes": "Yes",
    "no": "No",
    "copied": "Copied: {text}",
    "copy.title": "The command. If your terminal did not take it, select it with the mouse.",
    "copy.cannot": "This row cannot be sent: {why}",
    "copy.none": "Choose a frame first.",
    "retry.done": "The link connects now.",
    "retry.not": "Only a link that is down can connect now.",
    "form.title.command": "A command for {name}",
    "form.title.event": "An event of {name}",
    "form.hint": "Enter sends. Empty fields take their default.",
    "form.wire": "on the wire: {request}",
    "form.none": "There is no form here: {why}",
    "form.no_link": "this is not declared equipment",
    "form.no_commands": "{name} declares no command",
    "form.no_events": "{name} declares no event",
    "form.default": "default {text}",
    "form.optional": "optional",
    "form.waiting": "waiting for the reply…",
    "outcome.reply": "reply after {took}",
    "outcome.done": "done after {took}",
    "outcome.sent": "sent",
    "outcome.fault": "fault",
    "outcome.not_sent": "not sent",
    "outcome.unknown": "outcome unknown",
    "outcome.refused": "not accepted",
    "disturb.title": "Disturb what passes {name}",
    "disturb.active": "active: {list}",
    "disturb.none": "nothing is disturbed now",
    "disturb.only": "Only a tap can disturb what passes.",
    "disturb.example": "drop reply 3",
    "read_only": "This window was opened with --read-only.",
    "failed": "It failed: {why}",
    "help.title": "Help",
    "help.sources": """\
Each line is a link, a server or a tap, and below a server its sessions.
The state stands there as a word; its colour says the same.
Round trips are those of the last minute: half of them took p50 at most, 99 % took p99 at most.
The bars show frames per second in the last minute; the newest are at the right.""",
    "help.frames": """\
->  to the equipment     <-  from the equipment
µs: since the row before it in the same session
cut: the frame came in several chunks; glued: several came in one. Both are normal in TCP.
broken framing: wrong checksum, length or delimiter""",
    "help.keys": "Keys",
    "help.marks": "Marks",
    "help.filter": """\
locate, "no part"    the message, the reason or the text holds it
fault, cut, glued    something is wrong; the network cut or glued it
to, from             to the equipment, from it
hex 54 52 47         the bytes hold these
x > 12.5             a value; also < >= <= = !=
-ping                not this
A space is "and", a comma is "or".""",
    "help.close": "Escape closes this.",
    "cancel": "Cancel",
    "send": "Send",
}

_KOREAN: Final = {
    "title": "{name}: 링크",
    "total": "초당 {rate} 프레임",
    "none": "아직 링크나 서버가 없습니다. 프로그램이 열면 바로 여기에 나타납니다.",
    "state.down": "끊김",
    "state.connecting": "연결 중",
    "state.handshaking": "핸드셰이크",
    "state.ready": "준비됨",
    "state.suspect": "응답 지연",
    "state.draining": "종료 중",
    "state.listening": "대기 중",
    "state.idle": "유휴",
    "state.open": "연결됨",
    "state.closed": "닫힘",
    "kind.link": "링크",
    "kind.server": "서버",
    "kind.tap": "탭",
    "sessions.1": "세션 1개",
    "sessions": "세션 {count}개",
    "more.sessions": "열린 세션이 {count}개 더 있습니다",
    "more.sources": "보지 않는 링크와 서버가 {count}개 더 있습니다",
    "column.state": "상태",
    "column.name": "이름",
    "column.peer": "상대",
    "column.rate": "초당",
    "column.trips": "p50 / p99",
    "column.minute": "1분간",
    "column.again": "재접속",
    "column.faults": "오류",
    "reconnects": "재접속 {count}회",
    "faults": "오류 {count}건",
    "counts": "받은 프레임 {frames_in}, 보낸 프레임 {frames_out}",
    "for": "{age} 경과",
    "error": "마지막 오류 {time}: {text}",
    "error.none": "아직 오류 없음",
    "active": "방해: {list}",
    "column.time": "시각",
    "column.gap": "µs",
    "column.what": "메시지",
    "column.took": "소요",
    "column.hex": "16진수",
    "column.text": "문자",
    "frames.none": "아직 프레임이 없습니다.",
    "frames.filtered": "{kept}행 중 필터와 일치하는 행이 없습니다.",
    "frames.count": "{kept}행 중 {shown}행",
    "frames.left": "{count}행 생략됨",
    "frozen": "멈춤, 새 행 {count}개",
    "filter": "필터: {text}",
    "filter.example": 'locate, "no part", fault, to, from, hex 54 52, x > 12.5, -ping',
    "row.left": "터미널이 받을 수 있는 속도보다 빨라 {count}행이 생략됨",
    "row.reply": "{name} 응답",
    "row.fault": "{name} 오류 응답",
    "brief.reply": "응답",
    "brief.fault": "오류 응답",
    "row.command": "명령",
    "row.event": "이벤트",
    "row.login": "로그인",
    "row.heartbeat": "하트비트",
    "row.part": "응답의 일부",
    "row.unreadable": "해석 불가",
    "row.other": "기타",
    "row.frame": "프레임",
    "row.raw": "원시 바이트",
    "row.half": "여기서 잘림",
    "row.error": "프레임 오류",
    "row.altered": "방해됨",
    "row.state": "상태",
    "row.dropped": "생략됨",
    "tag.cut": "잘림: {chunks}조각",
    "tag.glued": "붙음",
    "to": "장비로",
    "from": "장비에서",
    "answers": "{request}에 {took} 만에 응답",
    "answered": "{took} 만에 응답: {reply}",
    "unanswered": "아직 응답 없음",
    "bytes": "{count}바이트",
    "bytes.kept": "{count}바이트 중 {kept}바이트 보관",
    "log": "로그",
    "log.none": "아직 내용이 없습니다.",
    "key.open": "프레임",
    "key.back": "뒤로",
    "key.filter": "필터",
    "key.freeze": "멈춤",
    "key.copy": "복사",
    "key.form": "보내기",
    "key.disturb": "방해",
    "key.kick": "끊기",
    "key.retry": "재접속",
    "key.log": "로그",
    "key.help": "도움말",
    "key.quit": "끝내기",
    "key.faults": "오류",
    "key.pair": "짝",
    "key.clear": "지우기",
    "key.end": "최신",
    "kick.ask": "{peer}의 연결을 즉시 끊을까요?",
    "kick.link": "링크는 스스로 다시 접속합니다.",
    "kick.done": "{peer}의 연결을 끊었습니다.",
    "kick.none": "열린 세션이 없습니다.",
    "yes": "예",
    "no": "아니요",
    "copied": "복사됨: {text}",
    "copy.title": "명령입니다. 터미널이 복사하지 못했으면 마우스로 선택하세요.",
    "copy.cannot": "이 행은 보낼 수 없습니다: {why}",
    "copy.none": "먼저 프레임을 고르세요.",
    "retry.done": "링크가 지금 접속합니다.",
    "retry.not": "끊긴 링크만 지금 접속할 수 있습니다.",
    "form.title.command": "{name} 명령",
    "form.title.event": "{name} 이벤트",
    "form.hint": "Enter로 보냅니다. 빈 칸은 기본값을 씁니다.",
    "form.wire": "전송 형식: {request}",
    "form.none": "여기에는 양식이 없습니다: {why}",
    "form.no_link": "선언된 장비가 아닙니다",
    "form.no_commands": "{name}에 선언된 명령이 없습니다",
    "form.no_events": "{name}에 선언된 이벤트가 없습니다",
    "form.default": "기본값 {text}",
    "form.optional": "생략 가능",
    "form.waiting": "응답을 기다리는 중…",
    "outcome.reply": "{took} 만에 응답",
    "outcome.done": "{took} 만에 완료",
    "outcome.sent": "보냄",
    "outcome.fault": "오류 응답",
    "outcome.not_sent": "보내지 못함",
    "outcome.unknown": "결과를 알 수 없음",
    "outcome.refused": "받아들여지지 않음",
    "disturb.title": "{name}을(를) 지나는 것을 방해",
    "disturb.active": "작동 중: {list}",
    "disturb.none": "지금은 방해하지 않음",
    "disturb.only": "탭만 지나는 것을 방해할 수 있습니다.",
    "disturb.example": "drop reply 3",
    "read_only": "이 창은 --read-only로 열었습니다.",
    "failed": "실패: {why}",
    "help.title": "도움말",
    "help.sources": """\
각 줄은 링크, 서버, 탭이며, 서버 아래에는 세션이 있습니다.
상태는 글자로 쓰여 있고, 색은 같은 뜻입니다.
왕복 시간은 최근 1분의 값입니다: 절반은 p50 이하, 99 %는 p99 이하입니다.
막대는 최근 1분의 초당 프레임이며, 오른쪽이 최신입니다.""",
    "help.frames": """\
->  장비로     <-  장비에서
µs: 같은 세션의 앞 행 이후의 시간
잘림: 프레임이 여러 조각으로 옴. 붙음: 여러 프레임이 한 조각으로 옴. 둘 다 TCP에서는 정상입니다.
프레임 오류: 잘못된 체크섬, 길이, 단말 문자""",
    "help.keys": "단축키",
    "help.marks": "표시",
    "help.filter": """\
locate, "no part"    메시지, 이유, 문자에 있음
fault, cut, glued    문제가 있는 행; 네트워크가 자르거나 붙인 행
to, from             장비로, 장비에서
hex 54 52 47         이 바이트가 들어 있음
x > 12.5             값의 조건; < >= <= = != 도 가능
-ping                이것은 제외
공백은 ‘그리고’, 쉼표는 ‘또는’입니다.""",
    "help.close": "Escape로 닫습니다.",
    "cancel": "취소",
    "send": "보내기",
}

_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {"en": _ENGLISH, "ko": _KOREAN}


class Words:
    """
    Returns the words of a language by their keys.

    Args:
        language: ``en`` or ``ko``.
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._texts = _TEXTS[language]

    def __call__(self, key: str, **values: object) -> str:
        """Return the words of a key, with values filled in."""
        text = self._texts[key]
        return text.format(**values) if values else text

    @property
    def all_keys(self) -> frozenset[str]:
        """All keys."""
        return frozenset(self._texts)


def language_of(asked: str | None = None, environment: Mapping[str, str] | None = None) -> str:
    """
    Return the language to use: the one that was asked for, or the one of the system, or English.

    Raises:
        ConfigurationError: the language that was asked for is not known.
    """
    if asked is not None:
        if asked not in LANGUAGES:
            raise ConfigurationError(f"--lang {asked}: write {' or '.join(LANGUAGES)}")
        return asked
    environment = os.environ if environment is None else environment
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return _known(environment[name])
    return _known(locale.getlocale()[0] or "")


def _known(name: str) -> str:
    return "ko" if name.lower().startswith(("ko", "korean")) else "en"
