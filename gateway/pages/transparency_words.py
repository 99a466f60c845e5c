"""Words about logs and what was found in them as a reader sees them, in the reader's language."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# What each kind of finding means, and what to do about it.
FINDING_MEANS: Mapping[str, tuple[Promise, Promise]] = {
    "not_logged": (
        _("A certificate in use is not in the logs that it is to be in."),
        _("Renew it: the new one is not put in force before it is proven to be logged."),
    ),
    "cannot_tell": (
        _("Whether a certificate in use is logged could not be found out."),
        _("See why the log cannot be asked; it is tried again by itself."),
    ),
    "log_unreadable": (
        _("A log has not answered for some time."),
        _("Nothing new that it holds is seen meanwhile. See whether it is reachable from here."),
    ),
    "log_lies": (
        _("A log signed two things that cannot both be true."),
        _("Nothing that it says is believed. Keep the evidence, tell its operator, and unpin it if it is pinned."),
    ),
    "log_backlog": (
        _("There are more entries in a log than are looked at in time."),
        _("What was logged last is seen later. It catches up by itself unless the number keeps growing."),
    ),
    "list_stale": (
        _("The public list of logs is older than 70 days."),
        _("New logs are not known and retired ones still count. See why it is not fetched."),
    ),
    "list_invalid": (
        _("The public list of logs cannot be used."),
        _("The one from before stays in use. See whether GOV_CT_LOG_LIST and its key are right."),
    ),
    "not_issued": (
        _("A log has a certificate under an authority of ours that was not issued here."),
        _("Somebody else may have the authority's key. Find out who asked for it, and replace the authority."),
    ),
    "served_not_issued": (
        _("A port shows a certificate that was not issued here."),
        _("Look at that machine now: somebody may have put themselves in between."),
    ),
    "served_old": (
        _("A port goes on to show a certificate that has been replaced."),
        _("Its process has not taken the new one. See whether it fetches, or restart it."),
    ),
    "not_served": (
        _("Nobody was seen to use a certificate that somebody may fetch."),
        _("See whether its consumers run, or take back what nobody needs."),
    ),
    "not_ours": (
        _("Another authority issued a certificate for a name that is watched."),
        _("If nobody here asked for it, have it revoked by its authority."),
    ),
    "pending": (
        _("A new issue is not proven to be logged yet, so it is not in force; the one before serves on."),
        _("It is put in force by itself as soon as the proof is there."),
    ),
}

# What a row of the board means.
BOARD_MEANS: Mapping[str, Promise] = {
    "issued_not_logged": _("Issued here, and in no log"),
    "logged_not_issued": _("In a log, and not issued here"),
    "issued_not_served": _("Issued here, and nobody was seen with it"),
    "served_not_issued": _("Shown by a port, and not issued here"),
    "served_not_newest": _("Shown by a port, and since replaced"),
    "abandoned": _("Logged by us, and then not used"),
}

MODE_MEANS: Mapping[str, Promise] = {
    "gate": _("A new issue waits until it is proven to be logged; the one before serves on."),
    "alarm": _("A new issue is put in force at once, and what is not logged is reported."),
    "off": _("A new issue is put in force at once, and nobody is told when it is not logged."),
}

LIE_WORDS: Mapping[str, Promise] = {
    "forked": _("It signed two different trees of the same size."),
    "shrunk": _("It showed a smaller tree at a later time."),
    "inconsistent": _("It signed a larger tree that does not begin with the smaller one."),
    "wrong_tile": _("It served a tile or a proof that does not lead to the root that it signed."),
    "bad_signature": _("It showed a head, or a promise, that its key did not sign."),
    "wrong_entry": _("It served another entry than the one that it promised."),
    "wrong_origin": _("It showed the head of some other log."),
    "beyond_final": _("It grew after the end that its list gives for it."),
}

EVIDENCE_WORDS: Mapping[str, Promise] = {
    "first": _("The first signed checkpoint"),
    "second": _("The second signed checkpoint"),
    "checkpoint": _("The signed checkpoint"),
    "final_size": _("Size at its end"),
    "final_root": _("Root at its end"),
    "size": _("Size"),
    "root": _("Root"),
    "index": _("Entry"),
    "leaf": _("Leaf hash"),
    "log_id": _("Log ID"),
}

DETAIL_WORDS: Mapping[str, Promise] = {
    "serial": _("Serial number"),
    "holder": _("Holder"),
    "log": _("Log"),
    "log_id": _("Log ID"),
    "lie": _("Caught at"),
    "lasting": _("Proven for ever"),
    "index": _("Entry"),
    "logged_at": _("Logged"),
    "entry": _("Kind of the entry"),
    "content": _("SHA-256 of what it says"),
    "authority": _("Authority"),
    "issuer": _("Signed by"),
    "signed": _("Signature holds"),
    "source": _("How it came into the log"),
    "names": _("Names"),
    "matching": _("Names that are ours"),
    "not_before": _("Valid from"),
    "not_after": _("Valid until"),
    "certificate": _("Certificate"),
    "unreadable": _("Not readable"),
    "since": _("Since"),
    "error": _("Last error"),
    "lag": _("Entries not looked at"),
    "next_index": _("Next entry"),
    "address": _("Address"),
    "server_name": _("Asked for"),
    "fingerprint": _("SHA-256 of the certificate"),
    "places": _("Seen at"),
    "newest": _("The newest"),
}
