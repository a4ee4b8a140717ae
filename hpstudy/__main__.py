"""`python -m hpstudy` is the `hpstudy` command."""

from hpstudy.cli import main

if __name__ == "__main__":
    main()
