"""The study: study files, search spaces, and the frozen study that a database stores."""
