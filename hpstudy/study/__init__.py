"""What is asked: study files, search spaces, and the frozen study that a database keeps."""
