"""A live page of studies, for a browser on this machine. It reads databases and writes nothing."""
