# hpstudy with its extras for Dask and Optuna.
#
#   docker build -t hpstudy .                              torch for CPUs
#   docker build -t hpstudy --build-arg TORCH=cu130 .      torch for CUDA 13.0; run it with --gpus all
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" hpstudy run my_study.yaml
FROM python:3.11-slim

# A folder of download.pytorch.org/whl.
ARG TORCH=cpu

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

WORKDIR /opt/hpstudy
COPY constraints.txt ./
RUN pip install --no-deps --constraint constraints.txt --extra-index-url "https://download.pytorch.org/whl/$TORCH" \
    torch torchaudio torchvision
COPY . ./
RUN pip install --constraint constraints.txt '.[dask,optuna]'

# Any user can write this home: `--user` names one that the image does not know.
RUN useradd --create-home hpstudy && chmod 1777 /home/hpstudy
ENV HOME=/home/hpstudy
USER hpstudy

# Studies, their code, runs/ and reports are in the folder that is mounted here.
WORKDIR /work
ENTRYPOINT ["hpstudy"]
CMD ["--help"]
