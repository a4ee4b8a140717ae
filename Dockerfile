# hpstudy with its extras for Dask and Optuna.
#
#   docker build -t hpstudy .                              torch for CPUs
#   docker build -t hpstudy --build-arg TORCH=cu130 .      torch for CUDA 13.0; run it with --gpus all
#   docker run --rm -v "$PWD:/work" hpstudy run my_study.yaml
FROM python:3.11-slim

# A folder of download.pytorch.org/whl.
ARG TORCH=cpu

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /opt/hpstudy
COPY constraints.txt ./
RUN pip install --no-deps --constraint constraints.txt --extra-index-url "https://download.pytorch.org/whl/$TORCH" \
    torch torchaudio torchvision
COPY . ./
RUN pip install --constraint constraints.txt '.[dask,optuna]'

# Studies, their code, runs/ and reports are in the folder that is mounted here.
WORKDIR /work
ENTRYPOINT ["hpstudy"]
CMD ["--help"]
