"""What went wrong on the network, in words that a clerk can read; the technical ones go into the log."""

from __future__ import annotations

import socket
import ssl

import httpcore

WORDS: tuple[tuple[type[Exception], str], ...] = (
    (httpcore.ConnectTimeout, "连接超时"),
    (httpcore.PoolTimeout, "等候连接超时"),
    (httpcore.TimeoutException, "超过时限仍没有答完"),
    (httpcore.RemoteProtocolError, "对方中断了连接，或答复不合规矩"),
    (httpcore.ReadError, "连接中断"),
    (httpcore.WriteError, "连接中断"),
    (httpcore.ProxyError, "代理没有放行"),
)
REFUSED = (
    (ssl.SSLCertVerificationError, "对方的证书没有通过验证"),
    (ssl.SSLError, "建立加密连接失败"),
    (socket.gaierror, "找不到平台的主机名"),
    (ConnectionRefusedError, "对方没有开放这个端口，或程序没有运行"),
    (OSError, "网络不通"),
)


def network_words(error: BaseException) -> str:
    """Return one Chinese phrase for a failure of connecting, sending or receiving; our own Chinese words pass."""
    said = str(error)
    if any("一" <= sign <= "鿿" for sign in said):
        return said[:200]
    if isinstance(error, httpcore.ConnectError):
        for cause in _causes(error):
            for kind, words in REFUSED:
                if isinstance(cause, kind):
                    return words
    return next((words for kind, words in WORDS if isinstance(error, kind)), "网络不通")


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    inner: BaseException | None = error.__cause__ or error.__context__
    while inner is not None and inner not in found:
        found.append(inner)
        inner = inner.__cause__ or inner.__context__
    return found
