"""Frames by a packet socket, whole: the kernel takes a VLAN tag out of what it hands over; it is put back here."""
import ctypes
import os
import select
import socket
import struct
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23  # linux/if_packet.h
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 1 << 4, 1 << 6


def enter(namespace: int) -> None:
    if LIBC.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class RawSocket:
    def __init__(self, namespace: str, device: str):
        own, other = (os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in ("/proc/thread-self/ns/net", namespace))
        enter(other)
        try:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self.socket.bind((device, ETH_P_ALL))
        finally:
            enter(own)
            os.close(own)
            os.close(other)

    def send(self, frame: bytes) -> None:
        self.socket.send(frame)

    def receive(self, seconds: float):
        """The next frame, or None after so long."""
        if not select.select([self.socket], [], [], max(0, seconds))[0]:
            return None
        frame, extra, _, _ = self.socket.recvmsg(65536, 256)
        for level, kind, data in extra:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, _, _, _, _, tci, tpid = struct.unpack_from("=IIIHHHH", data)
                if status & TP_STATUS_VLAN_VALID:
                    tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else 0x8100
                    frame = frame[:12] + struct.pack(">HH", tpid, tci) + frame[12:]
        return frame

    def drain(self) -> None:
        while self.receive(0) is not None:
            pass

    def frames(self, seconds: float) -> list:
        """All frames of the next `seconds`."""
        end, found = time.monotonic() + seconds, []
        while (left := end - time.monotonic()) > 0:
            frame = self.receive(left)
            if frame is not None:
                found.append(frame)
        return found

    def saw(self, wanted, seconds: float = 5) -> bool:
        """Whether a frame comes for which `wanted` is true."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            frame = self.receive(left)
            if frame is not None and wanted(frame):
                return True
        return False

    def close(self) -> None:
        self.socket.close()
