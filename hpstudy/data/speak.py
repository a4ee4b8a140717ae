"""Speak words with eSpeak NG. A program of its own: `python -I speak.py LIBRARY DATA < requests > answer`.

eSpeak keeps state between utterances (phases of its oscillators, echo, flutter), also across `espeak_Initialize`, so what it says
depends on what it said before. A fresh process per speaker makes a speaker's recordings a function of that speaker's requests
alone; and a voice that crashes the library takes only its own process along. Nothing here imports the package, so that it
starts in milliseconds.

Requests: JSON, {"voice": name, "utterances": [{"text", "rate", "pitch", "range"}, ...]} with rate in words per minute and pitch and
range on eSpeak's scales of 0 to 100.
Answer: one JSON line {"sample_rate": Hz, "samples": [count of every utterance]}, then all samples as native int16.
Exit status 1 with a sentence on stderr when the library refuses.
"""

from __future__ import annotations

import ctypes
import json
import sys
from array import array

SYNCHRONOUS = 2
"""AUDIO_OUTPUT_SYNCHRONOUS: synthesise in the calling thread and hand samples to the callback; nothing is played."""
DO_NOT_EXIT = 0x8000
"""espeakINITIALIZE_DONT_EXIT: report missing data by the return value instead of ending the process."""
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

    callback = CALLBACK(keep)  # a name of its own, for ctypes does not keep it alive

    sample_rate = library.espeak_Initialize(SYNCHRONOUS, 0, data_path.encode(), DO_NOT_EXIT)
    if sample_rate <= 0:
        sys.exit(f"eSpeak NG does not start with the data in {data_path}")
    library.espeak_SetSynthCallback(callback)
    library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
    library.espeak_ng_SetRandSeed(RAND_SEED)

    spoken: list[bytes] = []
    for utterance in requests["utterances"]:
        chunks.clear()
        # Setting the voice resets some parameters and leaves others of the utterance before: all are set, every time, after it.
        if status := library.espeak_SetVoiceByName(requests["voice"].encode()):
            sys.exit(f"eSpeak NG refuses the voice (status {status})")
        settings = {RATE: utterance["rate"], PITCH: utterance["pitch"], RANGE: utterance["range"]}
        for parameter, value in {**settings, VOLUME: 100, PUNCTUATION: 0, CAPITALS: 0, WORD_GAP: 0}.items():
            library.espeak_SetParameter(parameter, value, 0)
        text = utterance["text"].encode() + b"\0"
        if status := library.espeak_Synth(text, len(text), 0, POSITION_CHARACTER, 0, CHARS_UTF8, None, None):
            sys.exit(f"eSpeak NG does not say '{utterance['text']}' (status {status})")
        library.espeak_Synchronize()
        spoken.append(b"".join(chunks))

    head = {"sample_rate": sample_rate, "samples": [len(each) // 2 for each in spoken]}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n")
    sys.stdout.buffer.write(array("h", b"".join(spoken)).tobytes())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
