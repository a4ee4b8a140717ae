"""Detection of network disks. SQLite's write-ahead log needs shared memory between all processes, so hpstudy does not write there."""

from __future__ import annotations

import os
from pathlib import Path

from hpstudy.errors import StoreError

ACCEPT_VARIABLE = "HPSTUDY_NETWORK_DISK"
"""Environment variable; 1 allows writing to a database on a network disk."""

NETWORK_TYPES = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afpfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "panfs", "pvfs2"),
        *("wekafs", "gfs2", "ocfs2", "glusterfs", "fuse.glusterfs", "fuse.ceph", "fuse.sshfs", "fuse.s3fs", "fuse.rclone"),
        *(
            "fuse.gcsfuse",
            "fuse.juicefs",
            "fuse.moosefs",
            "fuse.lizardfs",
            "fuse.curlftpfs",
            "fuse.blobfuse2",
            "fuse.vmhgfs-fuse",
        ),
    }
)
"""Types of file systems that several machines can mount, as named by the operating system."""


def refuse_network_disk(path: Path) -> None:
    """Raise StoreError for a database on a network disk, unless HPSTUDY_NETWORK_DISK is 1."""
    kind = file_system(path.parent)
    if kind in NETWORK_TYPES and os.environ.get(ACCEPT_VARIABLE) != "1":
        raise StoreError(
            f"{path} is on a network disk ({kind}), where the database can be damaged",
            "choose a --storage on a local disk. To use several machines, run `hpstudy run STUDY --shard I/N` and `hpstudy merge`. If only "
            f"this machine opens the database while it is written, set {ACCEPT_VARIABLE}=1 to allow the disk.",
        )


def file_system(folder: Path) -> str:
    """Return the type of the file system of a folder; "" if it cannot be determined."""
    import psutil

    try:
        resolved = folder.resolve()
        partitions = psutil.disk_partitions(all=True)
    except (OSError, psutil.Error):
        return ""
    mounts = [(len(mount.parts), part.fstype) for part in partitions if resolved.is_relative_to(mount := Path(part.mountpoint))]
    # If two file systems are mounted on one folder, the last one hides the first.
    return max(reversed(mounts), key=lambda mount: mount[0], default=(0, ""))[1]
