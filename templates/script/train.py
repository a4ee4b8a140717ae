"""Replace this by your program, in any language. The last JSON line that it prints has the study's metric."""

import argparse
import json
import random

parser = argparse.ArgumentParser()
parser.add_argument("--learning_rate", type=float)
parser.add_argument("--momentum", type=float)
parser.add_argument("--seed", type=int)
args = parser.parse_args()
noise = random.Random(args.seed).gauss(0, 0.01)
print(json.dumps({"loss": (args.learning_rate - 0.1) ** 2 + (args.momentum - 0.5) ** 2 + noise}))
