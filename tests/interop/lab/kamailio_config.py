"""The text of a Kamailio's two configuration files: registrar and proxy, SIP over TLS only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.interop.lab.certificates import CertificateFiles
from tests.interop.lab.ports import HOST
from tests.interop.lab.rtpengine import Border

# Lines that the lab reads back start with this word.
LOG_MARK = "LAB"

_MODULES = (
    *("tls", "kex", "corex", "tm", "tmx", "sl", "rr", "pv", "maxfwd", "usrloc", "registrar"),
    *("textops", "siputils", "xlog", "sanity", "auth", "htable", "nathelper"),
)

_CORE = """#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
tcp_children=2
auto_aliases=no
dns=no
rev_dns=no
enable_tls=yes
tcp_connection_lifetime=3605
alias="@DOMAIN@"
listen=tls:@HOST@:@PORT@
listen=tls:@HOST@:@CERTIFICATE_PORT@
listen=tls:@HOST@:@NEIGHBOUR_PORT@
@WEB_LISTENER@"""

_PARAMETERS = """
modparam("tls", "config", "@DIRECTORY@/tls.cfg")
modparam("usrloc", "db_mode", 0)
modparam("tm", "fr_timer", 3000)
modparam("rr", "enable_full_lr", 1)
modparam("htable", "htable", "password=>size=4;")
modparam("auth", "algorithm", "@ALGORITHM@")
modparam("auth", "qop", "auth")
modparam("auth", "nonce_count", 1)
modparam("registrar", "max_expires", 3600)
modparam("registrar", "min_expires", 30)
modparam("nathelper", "received_avp", "$avp(received)")
modparam("registrar", "received_avp", "$avp(received)")
modparam("xlog", "prefix", "@MARK@ ")
"""

# Users' requests are challenged. The neighbour's come through the port that demands its
# certificate. Towards users, the flow that they opened is used again: they need no listener.
_ROUTES = """
request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (!sanity_check("17895", "7")) exit;
  if (is_method("CANCEL")) { if (t_check_trans()) route(RELAY); exit; }
  if (has_totag()) route(IN_DIALOG);
  t_check_trans();
  if (is_method("OPTIONS") && uri==myself && $rU==$null) { sl_send_reply("200", "OK"); exit; }

@WEB_FLOW@  $var(neighbour) = 0;
  if ($Rp == @NEIGHBOUR_PORT@) {
    if (!is_peer_verified() || $tls_peer_subject_cn != "@NEIGHBOUR_DOMAIN@") {
      xlog("L_NOTICE", "refused-neighbour $tls_peer_subject_cn\\n");
      sl_send_reply("403", "Not the Neighbour");
      exit;
    }
    $var(neighbour) = 1;
    if (is_method("INVITE")) xlog("L_NOTICE", "neighbour $ci $tls_peer_subject_cn $tls_version\\n");
  } else {
    if (is_method("INVITE")) xlog("L_NOTICE", "invite $ci $TV(Sn) $adu\\n");
    if (is_method("REGISTER")) xlog("L_NOTICE", "register $fU $TV(Sn) $adu\\n");
    if ($au == $null || $sht(password=>$au) == $null) {
      auth_challenge("@DOMAIN@", "1");
      exit;
    }
    if (!pv_auth_check("@DOMAIN@", "$sht(password=>$au)", "0", "1")) {
      xlog("L_NOTICE", "denied $rm $au\\n");
      auth_challenge("@DOMAIN@", "1");
      exit;
    }
    consume_credentials();
  }

  if (is_method("REGISTER")) {
    fix_nated_register();
    # 0x04: the new contact takes the place of any other, as after a crash.
    if (!save("location", "0x04")) { sl_reply_error(); exit; }
    $var(certified) = "-";
    if ($Rp == @CERTIFICATE_PORT@) $var(certified) = $tls_peer_subject_cn;
    xlog("L_NOTICE", "registered $fU $TV(Sn) $tls_version $tls_cipher_info $var(certified) $sp\\n");
    exit;
  }
  if (!is_method("INVITE|OPTIONS|MESSAGE|SUBSCRIBE|REFER|NOTIFY|INFO")) {
    sl_send_reply("405", "Method Not Allowed");
    exit;
  }
  t_on_reply("REPLY");
  if ($rd == "@NEIGHBOUR_DOMAIN@" && $var(neighbour) == 0) {
    $du = "sip:@HOST@:@NEIGHBOURS_PORT@;transport=tls";
    t_on_reply("NEIGHBOURS_REPLY");
  } else if ($rd != "@DOMAIN@") {
    sl_send_reply("404", "Unknown Domain");
    exit;
  } else if (!lookup("location")) {
    sl_send_reply("480", "Not Registered");
    exit;
  }
  # One address for both neighbours' users: that of the port without client certificates.
  $fs = "tls:@HOST@:@PORT@";
  record_route();
@BORDER_OFFER@  route(RELAY);
}

route[IN_DIALOG] {
  if (is_method("ACK") && t_check_trans()) { t_relay(); exit; }
  if (loose_route()) {
    if (!isdsturiset()) handle_ruri_alias();
    t_on_reply("REPLY");
@BORDER_OFFER@    route(RELAY);
  }
  if (!is_method("ACK")) sl_send_reply("481", "No Such Dialog");
  exit;
}

route[RELAY] {
@RELAY_OF_CALLED@  if ($fd == "@DOMAIN@") route(ALIAS);
  if (is_method("BYE")) xlog("L_NOTICE", "bye $ci $TV(Sn) $fU\\n");
@BORDER_END@  if (!t_relay()) sl_reply_error();
  exit;
}

@WEB_ROUTE@# Each registrar for its own users: the flow behind a Contact that names a listener.
route[ALIAS] {
  if ($ct != $null) add_contact_alias();
}

onreply_route[REPLY] {
@RELAY_OF_CALLER@  if (is_method("INVITE")) xlog("L_NOTICE", "reply $ci $TV(Sn) $rs\\n");
  if ($td == "@DOMAIN@") route(ALIAS);
@BORDER_ANSWER@}

onreply_route[NEIGHBOURS_REPLY] {
  # Its chain was verified when the connection was opened; its name is read here.
  if ($tls_peer_subject_cn != "@NEIGHBOUR_DOMAIN@") {
    xlog("L_NOTICE", "refused-neighbour $tls_peer_subject_cn\\n");
    drop;
  }
  if (is_method("INVITE")) xlog("L_NOTICE", "reply $ci $TV(Sn) $rs\\n");
@BORDER_ANSWER@}
"""

# Whose address it is goes by who sent the body: offers and answers in the calls' own INVITEs only.
_MEDIA = """  if (is_method("INVITE") && has_body("application/sdp")) {
    subst_body('/^m=audio [0-9]+ /m=audio @RELAY_PORT@ /');
    subst_body('/^a=rtcp:[^\r\n]*\r?\n//');
  }
"""

_WEB_LISTENER = """listen=tls:@HOST@:@WEB_PORT@
tcp_accept_no_cl=yes
loadmodule "xhttp.so"
loadmodule "websocket.so"
"""

_WEB_FLOW = """  if ($pr == "wss") force_rport();
"""

_WEB_ROUTE = """# A browser's SIP comes in WebSocket frames (RFC 7118).
event_route[xhttp:request] {
  set_reply_close();
  set_reply_no_connect();
  if ($Rp == @WEB_PORT@ && $hdr(Upgrade) =~ "websocket" && ws_handle_handshake()) exit;
  xhttp_reply("404", "Not Found", "", "");
}

"""

_BORDER_MODULE = """
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:@HOST@:@CONTROL_PORT@")
"""

_BORDER_OFFER = """  if (is_method("INVITE") && has_body("application/sdp")) {
    if ($fd == "@DOMAIN@") rtpengine_offer("@TO_NEIGHBOUR@");
    else rtpengine_offer("@TO_USERS@");
  }
"""

_BORDER_ANSWER = """  if (is_method("INVITE") && has_body("application/sdp")) {
    rtpengine_answer("@ANSWERING@");
  }
"""

_BORDER_END = """  if (is_method("BYE")) rtpengine_delete();
"""

_TLS_SERVER = """
[server:@WHERE@]
method = TLSv1.2+
certificate = @CERTIFICATE@
private_key = @KEY@
ca_list = @ROOT@
verify_certificate = @ASK@
require_certificate = @ASK@
"""

_TLS_CLIENT = """
[client:default]
method = TLSv1.2+
certificate = @CERTIFICATE@
private_key = @KEY@
ca_list = @ROOT@
verify_certificate = yes
require_certificate = yes
verify_depth = 2
"""


def main_configuration(
    directory: Path,
    *,
    domain: str,
    algorithm: str,
    users: Mapping[str, str],
    port: int,
    certificate_port: int,
    neighbour_port: int,
    neighbour_domain: str,
    neighbours_port: int,
    relay_ports: tuple[int, int] | None = None,
    border: Border | None = None,
    web_port: int | None = None,
) -> str:
    """kamailio.cfg; `neighbours_port` is the neighbour's own `neighbour_port`.

    With `relay_ports` the caller is told to send its media to the first, the called to the second.
    At the `web_port` SIP comes in WebSockets.
    With a `border` its rtpengine relays the media of calls between the two domains.
    """
    passwords = "\n".join(
        f"  $sht(password=>{user}) = {json.dumps(password)};" for user, password in users.items()
    )
    text = "\n".join(
        [
            _CORE,
            *(f'loadmodule "{module}.so"' for module in _MODULES),
            _PARAMETERS,
            *([_BORDER_MODULE] if border else []),
            f"event_route[htable:mod-init] {{\n{passwords}\n  return;\n}}",
            _ROUTES,
        ]
    )
    to_caller, to_called = (
        ("", "")
        if relay_ports is None
        else (_filled(_MEDIA, RELAY_PORT=port) for port in relay_ports)
    )
    names = ("BORDER_OFFER", "BORDER_ANSWER", "BORDER_END")
    parts = dict.fromkeys((*names, "WEB_LISTENER", "WEB_FLOW", "WEB_ROUTE"), "")
    if web_port is not None:
        parts |= {
            "WEB_LISTENER": _WEB_LISTENER,
            "WEB_FLOW": _WEB_FLOW,
            "WEB_ROUTE": _WEB_ROUTE,
            "WEB_PORT": str(web_port),
        }
    if border is not None:
        parts |= {
            "BORDER_OFFER": _BORDER_OFFER,
            "BORDER_ANSWER": _BORDER_ANSWER,
            "BORDER_END": _BORDER_END,
            "CONTROL_PORT": str(border.control_port),
            "TO_USERS": border.to_users,
            "TO_NEIGHBOUR": border.to_neighbour,
            "ANSWERING": border.answering,
        }
    return _filled(
        text,
        **parts,
        RELAY_OF_CALLER=to_caller,
        RELAY_OF_CALLED=to_called,
        DIRECTORY=directory,
        DOMAIN=domain,
        HOST=HOST,
        PORT=port,
        CERTIFICATE_PORT=certificate_port,
        NEIGHBOUR_PORT=neighbour_port,
        NEIGHBOUR_DOMAIN=neighbour_domain,
        NEIGHBOURS_PORT=neighbours_port,
        ALGORITHM=algorithm,
        MARK=LOG_MARK,
    )


def tls_configuration(
    files: CertificateFiles,
    root: Path,
    *,
    demanding_ports: tuple[int, ...],
) -> str:
    """tls.cfg; `demanding_ports` require a client certificate under `root`."""
    places = [("default", "no"), *((f"{HOST}:{port}", "yes") for port in demanding_ports)]
    text = _TLS_CLIENT
    for where, ask in places:
        text += _filled(_TLS_SERVER, WHERE=where, ASK=ask)
    return _filled(text, CERTIFICATE=files.certificate, KEY=files.key, ROOT=root)


def _filled(text: str, **values: object) -> str:
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text
