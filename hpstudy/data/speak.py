"""Synthesize words with eSpeak NG. A separate program: `python -I speak.py LIBRARY DATA < requests > answer`.

eSpeak keeps state between utterances (oscillator phases, echo, flutter), even across `espeak_Initialize`, so that an utterance depends
on earlier ones. With a new process per speaker, the recordings of a speaker depend only on the requests for this speaker. If a voice
crashes the library, only its process is affected. This file does not import the package, so that it starts in milliseconds.

Requests: JSON, {"voice": name, "utterances": [{"text", "rate", "pitch", "range"}, ...]}, with rate in words per minute, and pitch and
range on eSpeak's scales of 0 to 100.
Answer: one line of JSON {"sample_rate": Hz, "samples": [number of samples of every utterance]}, then all samples as native int16.
If the library refuses a request, the exit status is 1 and stderr has the reason.
"""

from __future__ import annotations

import ctypes
import json
import sys

SYNCHRONOUS = 2
"""AUDIO_OUTPUT_SYNCHRONOUS: synthesize in the calling thread and pass the samples to the callback without playing them."""
DO_NOT_EXIT = 0x8000
"""espeakINITIALIZE_DONT_EXIT: report missing data with the return value instead of exiting."""
RATE, VOLUME, PITCH, RANGE, PUNCTUATION, CAPITALS, WORD_GAP = 1, 2, 3, 4, 5, 6, 7
CHARS_UTF8 = 1
POSITION_CHARACTER = 1
RAND_SEED = 1
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def main(library_path: str, data_path: str) -> None:
    """Answer the requests on stdin."""
    requests = json.load(sys.stdin)
    library = ctypes.CDLL(library_path)
    chunks: list[bytes] = []

    def keep(samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int | None) -> int:
        if samples and count > 0:
            chunks.append(ctypes.string_at(samples, 2 * count))
        return 0

    callback = CALLBACK(keep)  # ctypes does not keep a reference to it

    sample_rate = library.espeak_Initialize(SYNCHRONOUS, 0, data_path.encode(), DO_NOT_EXIT)
    if sample_rate <= 0:
        sys.exit(f"eSpeak NG does not start with the data in {data_path}")
    library.espeak_SetSynthCallback(callback)
    library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
    library.espeak_ng_SetRandSeed(RAND_SEED)

    spoken: list[bytes] = []
    for utterance in requests["utterances"]:
        chunks.clear()
        # Setting the voice resets only some parameters, so that all parameters are set after it.
        if status := library.espeak_SetVoiceByName(requests["voice"].encode()):
            sys.exit(f"eSpeak NG refuses the voice (status {status})")
        settings = {RATE: utterance["rate"], PITCH: utterance["pitch"], RANGE: utterance["range"]}
        for parameter, value in {**settings, VOLUME: 100, PUNCTUATION: 0, CAPITALS: 0, WORD_GAP: 0}.items():
            library.espeak_SetParameter(parameter, value, 0)
        text = utterance["text"].encode() + b"\0"
        if status := library.espeak_Synth(text, len(text), 0, POSITION_CHARACTER, 0, CHARS_UTF8, None, None):
            sys.exit(f"eSpeak NG cannot synthesize '{utterance['text']}' (status {status})")
        library.espeak_Synchronize()
        spoken.append(b"".join(chunks))

    head = {"sample_rate": sample_rate, "samples": [len(each) // 2 for each in spoken]}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n")
    sys.stdout.buffer.write(b"".join(spoken))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
