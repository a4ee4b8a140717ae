from tests.toy_study import refused, toy, toy_parts, toy_text, write

__all__ = ["refused", "toy", "toy_parts", "toy_text", "write"]
