"""Tags and filters of the pages' templates; built in, so that no template has to load them."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from gateway.pages import signs
from gateway.pages.certificate_words import CERTIFICATE_FIELDS, cause_word
from gateway.pages.diff import changed
from gateway.pages.door import actor_of, forbidden_text
from gateway.pages.times import ahead, lasts
from gateway.pages.words import DOOR_WORDS, FIELD_WORDS, POLICY_WORDS
from governance.compliance.queries import Call
from governance.kernel.actor import EVERYWHERE
from governance.kernel.clock import now, stamp
from governance.ledger.queries import Entry

register = template.Library()
NONE = "\u2013"  # an en dash stands where there is nothing to show
_TABLES = {
    "health": signs.HEALTH,
    "service": signs.SERVICE,
    "sync": signs.SYNC,
    "outcome": signs.OUTCOME,
    "verdict": signs.VERDICT,
    "certificate": signs.CERTIFICATE,
    "issue": signs.ISSUE,
    "authority": signs.AUTHORITY,
    "rotation": signs.ROTATION,
    "workload": signs.WORKLOAD,
    "token": signs.TOKEN,
    "transport": signs.TRANSPORT,
    "holds": signs.HOLDS,
    "chain": signs.CHAIN,
    "served": signs.SERVED,
    "logged": signs.LOGGED,
    "sct": signs.SCT,
    "included": signs.INCLUDED,
    "log": signs.LOG,
    "log_state": signs.LOG_STATE,
    "mode": signs.MODE,
    "port": signs.PORT,
    "finding": signs.FINDING,
    "finding_state": signs.FINDING_STATE,
    "board": signs.BOARD,
}


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """One of the icons of the sprite; decoration, never the only carrier of a meaning."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>', extra, static("icons.svg"), name
    )


@register.simple_tag
def sign(table: str, key: str, note: str = "") -> SafeString:
    """A state as colour, shape and word."""
    return draw(_TABLES[table][key], note)


@register.filter
def draw(found: signs.Sign, note: str = "") -> SafeString:
    """A sign as markup, with `note` on hover."""
    return format_html(
        '<span class="sign sign-{}" title="{}">{}<span>{}</span></span>', found.tone, note, icon(found.icon), found.word
    )


@register.filter
def ago(at: datetime | None) -> SafeString | str:
    """How long ago, with the time itself on hover; scripts keep it true."""
    if at is None:
        return NONE
    words = span_words(max(0, int((now() - at).total_seconds())))
    return format_html('<time datetime="{}" data-ago title="{}">{}</time>', stamp(at), _clock(at), words)


@register.filter
def when(at: datetime | None) -> SafeString | str:
    """How long ago or how far ahead, with the time itself on hover; scripts keep it true."""
    if at is None:
        return NONE
    seconds = int((at - now()).total_seconds())
    words = ahead(seconds) if seconds > 0 else span_words(-seconds)
    return format_html('<time datetime="{}" data-when title="{}">{}</time>', stamp(at), _clock(at), words)


@register.filter
def day(at: datetime | None) -> SafeString | str:
    """The day, with the whole time on hover."""
    if at is None:
        return NONE
    return format_html('<time datetime="{}" title="{}">{}</time>', stamp(at), _clock(at), f"{at:%Y-%m-%d}")


@register.filter
def clock(at: datetime | None) -> str:
    """The time itself."""
    return NONE if at is None else _clock(at)


@register.filter
def span(seconds: int | timedelta | None) -> str:
    """How long something lasts."""
    return NONE if seconds is None else lasts(seconds)


@register.filter
def slashed(text: str) -> SafeString:
    """A long identity that may be broken after its slashes, and nowhere else as long as that suffices."""
    return format_html_join(SafeString("/<wbr>"), "{}", ((part,) for part in text.split("/")))


@register.filter
def cause(code: str) -> str:
    """Why something was revoked."""
    return cause_word(code)


@register.filter
def until(at: datetime | None) -> SafeString | str:
    """The seconds left, with the time itself on hover; scripts count them down."""
    if at is None:
        return NONE
    left = max(0, int((at - now()).total_seconds()))
    return format_html('<time datetime="{}" data-until title="{}">{} s</time>', stamp(at), _clock(at), left)


def span_words(seconds: int) -> str:
    """A span of time in the one unit that fits."""
    if seconds < 5:
        return _("just now")
    if seconds < 60:
        return _("%(n)s s ago") % {"n": seconds}
    if seconds < 3600:
        return _("%(n)s min ago") % {"n": seconds // 60}
    if seconds < 86_400:
        return _("%(n)s h ago") % {"n": seconds // 3600}
    return ngettext("%(n)s day ago", "%(n)s days ago", seconds // 86_400) % {"n": seconds // 86_400}


@register.filter
def rate(per_second: float | None) -> str:
    """Calls per second with the digits that matter; unknown is said so."""
    if per_second is None:
        return _("unknown")
    return f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.1f}"


@register.filter
def ppm(value: int | None) -> str:
    """Parts per million as per cent; unknown is said so."""
    return _("unknown") if value is None else f"{value / 10_000:.1f} %"


@register.filter
def share(value: int | None) -> str:
    """A share in parts per million as per cent; a dash where there is none."""
    return NONE if value is None else f"{value / 10_000:.1f} %"


@register.filter
def width(value: int | None) -> str:
    """Parts per million as the width of a bar."""
    return f"{(value or 0) / 10_000:.2f}%"


@register.filter
def policy_word(policy: str) -> str:
    """A policy by its name in the reader's language."""
    return str(POLICY_WORDS[policy][0]) if policy in POLICY_WORDS else policy


@register.filter
def field_word(path: str) -> str:
    """A field of a policy in the reader's language; what follows a dot stays as it is."""
    head, _dot, rest = path.partition(".")
    word = str(FIELD_WORDS.get(head) or CERTIFICATE_FIELDS.get(head) or head)
    return f"{word}: {rest}" if rest else word


@register.filter
def about(entry: Entry | Call) -> str:
    """What a change was about: its thing, or for a change of many things the first of them."""
    if isinstance(entry, Call) or not entry.thing.endswith("*"):
        return entry.thing
    lines = changed(entry.before, entry.after)
    shown = ", ".join(f"{line.path} {line.after}".strip() for line in lines[:2])
    return shown + (_(" and %(n)s more") % {"n": len(lines) - 2} if len(lines) > 2 else "")


@register.filter
def door_word(door: str) -> str:
    """The way a change came in."""
    return str(DOOR_WORDS.get(door, door or NONE))


@register.filter
def get(table: dict[str, Any], key: str) -> Any:
    """One entry of a table, or None."""
    return table.get(key)


@register.simple_tag(takes_context=True)
def allow(context: template.RequestContext, permission: str, namespace: str = EVERYWHERE) -> SafeString | str:
    """Attributes of a button: nothing for those who may, else what tells everyone which permission is missing."""
    if actor_of(context.request).may(permission, namespace):
        return ""
    return format_html('aria-disabled="true" data-refused title="{}"', forbidden_text(permission))


@register.simple_tag(takes_context=True)
def allow_somewhere(context: template.RequestContext, permission: str) -> SafeString | str:
    """The same for a button that asks for the namespace only later."""
    if actor_of(context.request).namespaces(permission):
        return ""
    return format_html('aria-disabled="true" data-refused title="{}"', forbidden_text(permission))


@register.simple_tag(takes_context=True)
def nav_link(context: template.RequestContext, symbol: str, address: str, label: str, also: str = "") -> SafeString:
    """An entry of the navigation, marked when it leads to where the reader is, or to the same section as `also`."""
    path = context.request.path
    here = path == address if address == "/" else path.startswith((address, *also.split()))
    namespace = context.request.GET.get("namespace", "")
    query = "?" + urlencode({"namespace": namespace}) if namespace else ""
    return format_html(
        '<li class="nav-item{}"><a class="nav-link" href="{}{}"{}><span class="nav-link-icon">{}</span>'
        '<span class="nav-link-title">{}</span></a></li>',
        " active" if here else "",
        address,
        query,
        SafeString(' aria-current="page"') if here else "",
        icon(symbol),
        label,
    )


@register.simple_tag(takes_context=True)
def with_query(context: template.RequestContext, **changes: object) -> str:
    """The query string of this page with some parameters changed; None removes one."""
    query = context.request.GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = str(value)
    return "?" + query.urlencode()


def _clock(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
