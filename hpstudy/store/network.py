"""Network disks: a database there is not written, because SQLite's write-ahead log needs memory that all its processes share."""

from __future__ import annotations

import os
from pathlib import Path

from hpstudy.errors import StoreError

ACCEPT_VARIABLE = "HPSTUDY_NETWORK_DISK"
"""Environment variable: 1 to write to a database on a network disk."""

NETWORK_TYPES = frozenset(
    {
        *(
            "nfs",
            "nfs4",
            "cifs",
            "smb2",
            "smb3",
            "smbfs",
            "afpfs",
            "afs",
            "ceph",
            "lustre",
            "gpfs",
            "beegfs",
            "panfs",
            "pvfs2",
            "wekafs",
        ),
        *("gfs2", "ocfs2", "glusterfs", "fuse.glusterfs", "fuse.ceph", "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse"),
        *("fuse.juicefs", "fuse.moosefs", "fuse.lizardfs", "fuse.curlftpfs", "fuse.blobfuse2", "fuse.vmhgfs-fuse"),
    }
)
"""File systems that several machines can mount, as the operating system names their types."""


def refuse_network_disk(path: Path) -> None:
    """Raises StoreError for a database on a network disk, unless the user accepts it."""
    kind = file_system(path.parent)
    if kind in NETWORK_TYPES and os.environ.get(ACCEPT_VARIABLE) != "1":
        raise StoreError(
            f"{path} is on a network disk ({kind}), where a database can be damaged",
            "choose --storage on a disk of this machine; on several machines, `hpstudy run STUDY --shard I/N` and `hpstudy merge`. If only "
            f"this machine ever opens the database while it is written, {ACCEPT_VARIABLE}=1 accepts the disk.",
        )


def file_system(folder: Path) -> str:
    """The type of the file system that holds a folder; "" where the system does not say."""
    import psutil

    try:
        real = folder.resolve()
        mounted = psutil.disk_partitions(all=True)
    except (OSError, psutil.Error):
        return ""
    holders = [(len(place.parts), part.fstype) for part in mounted if real.is_relative_to(place := Path(part.mountpoint))]
    # Of two file systems mounted on one folder, the last one counts.
    return max(reversed(holders), key=lambda holder: holder[0], default=(0, ""))[1]
