import hashlib
import http.server
import sys
import threading
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from hpstudy.bnn.settings import Teacher
from hpstudy.bnn.teacher import check_teacher, import_models, load_teacher, teacher_identity, weights_file
from hpstudy.data.cache import VARIABLE
from hpstudy.errors import DataError, PluginError

CLASSES, SIZE = 4, 64
PUBLISHED = Teacher(network="squeezenet1_1", weights="IMAGENET1K_V1")
OWN = """
import torch
from torch import nn

class Brightness(nn.Module):
    def __init__(self, classes=4):
        super().__init__()
        self.norm, self.last = nn.BatchNorm2d(3), nn.Linear(3, classes)
    def forward(self, x):
        return self.last(self.norm(x).mean((2, 3)))

class Twice(Brightness):
    def forward(self, x):
        return {"logits": super().forward(x)}

class Picky(Brightness):
    def forward(self, x):
        if x.shape[-1] != 32:
            raise AssertionError("wrong image height")
        return super().forward(x)

def make(): return Brightness()
def of_ten_classes(): return Brightness(10)
def one_for_all(): return nn.Sequential(Brightness(), nn.Flatten(0))
def of_numbers(): return 3
def of_nothing(): raise FileNotFoundError("weights.pt")
def without_numbers():
    network = Brightness()
    network.last.weight.data[0, 0] = float("nan")
    return network
"""


@pytest.fixture(autouse=True)
def cache_root(tmp_path, monkeypatch):
    """A data cache and a memory of teachers of this test's own."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    load_teacher.cache_clear()
    yield tmp_path / "cache"
    load_teacher.cache_clear()


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The settings of a teacher out of a user's module."""
    (tmp_path / "own_teachers.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_teachers", raising=False)
    return lambda name: Teacher(network=f"own_teachers:{name}")


@dataclass
class Server:
    """A server of one file."""

    address: str
    content: bytes = b""
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def server():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            state.requests.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(state.content)))
            self.end_headers()
            self.wfile.write(state.content)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        state = Server(f"http://127.0.0.1:{httpd.server_address[1]}")
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        httpd.shutdown()
        thread.join()


@pytest.fixture
def publish(server, monkeypatch):
    """Put the weights of a network of torchvision on the server, under a name with their checksum."""

    def publish(settings, state):
        file = BytesIO()
        torch.save(state, file)
        server.content = file.getvalue()
        name = f"{settings.network}-{hashlib.sha256(server.content).hexdigest()[:8]}.pth"
        weights = import_models().get_model_weights(settings.network)[settings.weights]
        monkeypatch.setattr(weights, "_value_", replace(weights.value, url=f"{server.address}/models/{name}"))
        return name

    return publish


def trained(network, **options):
    """A network of torchvision with weights of this test's own."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return import_models().get_model(network, **options)


def pictures(n=2, size=SIZE):
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_torchvision_is_imported_in_silence_and_once():
    models = import_models()
    assert import_models() is models
    assert {"resnet34", "squeezenet1_1"} <= set(models.list_models(models))


@pytest.mark.parametrize("error", [None, RuntimeError("operator torchvision::nms does not exist"), OSError("libcudart.so.12")])
def test_a_torchvision_that_is_missing_or_of_another_torch_is_a_data_error(error, monkeypatch):
    def fails(name):
        raise error or ModuleNotFoundError("No module named 'torchvision'", name="torchvision")

    monkeypatch.setattr("hpstudy.data.without_cuda.import_module", fails)
    with pytest.raises(DataError, match=str(error or "No module named 'torchvision'")) as caught:
        load_teacher(PUBLISHED, "cpu")
    assert "hpstudy[imagenet]" in caught.value.hint


def test_a_function_of_ones_own_makes_a_teacher(own):
    teacher = load_teacher(own("make"), "cpu")
    assert type(teacher).__name__ == "Brightness"
    assert not any(module.training for module in teacher.modules())
    assert not any(each.requires_grad for each in teacher.parameters())


def test_a_teacher_is_loaded_once(own):
    assert load_teacher(own("make"), "cpu") is load_teacher(own("make"), "cpu")
    assert load_teacher(own("of_ten_classes"), "cpu") is not load_teacher(own("make"), "cpu")


def test_a_convolutional_teacher_lies_in_memory_channels_last(server, publish):
    publish(PUBLISHED, trained("squeezenet1_1").state_dict())
    assert load_teacher(PUBLISHED, "cpu").features[3].expand3x3.weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("of_numbers", "'own_teachers:of_numbers' returned int: a teacher must be a trained torch module"),
        ("of_nothing", r"'own_teachers:of_nothing' failed: FileNotFoundError: weights.pt \(.*own_teachers.py:\d+\)"),
        ("mak", "no function 'mak': did you mean 'make'"),
    ],
)
def test_a_function_that_makes_no_teacher_is_a_plugin_error(own, name, message):
    with pytest.raises(PluginError, match=message):
        load_teacher(own(name), "cpu")


def test_a_teacher_that_fits_is_accepted_and_stays_as_it_was(own):
    teacher = load_teacher(own("make"), "cpu")
    before = {name: each.clone() for name, each in teacher.state_dict().items()}
    check_teacher(own("make"), CLASSES, SIZE, "cpu")
    assert all(torch.equal(each, before[name]) for name, each in teacher.state_dict().items())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("of_ten_classes", r"own_teachers:of_ten_classes returns \(10,\) outputs for an image, but the data set has 4 classes"),
        ("one_for_all", r"returns \(\) outputs for an image"),
        ("Twice", "returns a dict for an image"),
        ("Picky", "cannot take images of 64 pixels: wrong image height"),
        ("without_numbers", "returns outputs that are not finite"),
    ],
)
def test_a_teacher_that_does_not_fit_is_a_data_error(own, name, message):
    with pytest.raises(DataError, match=message) as caught:
        check_teacher(own(name), CLASSES, SIZE, "cpu")
    assert caught.value.hint


def test_a_teacher_that_takes_pictures_of_one_size_is_accepted_with_these(own):
    check_teacher(own("Picky"), CLASSES, 32, "cpu")


def test_published_weights_are_fetched_once_and_used(server, publish, cache_root):
    network = trained("squeezenet1_1").eval()
    name = publish(PUBLISHED, network.state_dict())
    teacher = load_teacher(PUBLISHED, "cpu")
    x = pictures()
    torch.testing.assert_close(teacher(x), network(x), rtol=1e-4, atol=1e-4)
    load_teacher.cache_clear()
    load_teacher(PUBLISHED, "cpu")
    check_teacher(PUBLISHED, 1000, SIZE, "cpu")
    assert server.requests == [f"/models/{name}"]
    assert weights_file(PUBLISHED).is_relative_to(cache_root)
    assert weights_file(PUBLISHED).read_bytes() == server.content


def test_published_weights_stay_out_of_the_folder_of_torch_hub(server, publish):
    before = torch.hub.get_dir()
    publish(PUBLISHED, trained("squeezenet1_1").state_dict())
    file = weights_file(PUBLISHED)
    load_teacher(PUBLISHED, "cpu")
    assert torch.hub.get_dir() == before
    assert not (Path(before) / "checkpoints" / file.name).exists()


def test_a_network_is_told_what_its_published_weights_need(server, publish):
    googlenet = Teacher(network="googlenet", weights="IMAGENET1K_V1")
    network = trained("googlenet", init_weights=False, transform_input=True).eval()
    publish(googlenet, network.state_dict())
    x = pictures(1)
    torch.testing.assert_close(load_teacher(googlenet, "cpu")(x), network(x), rtol=1e-3, atol=1e-3)


def test_the_classes_of_published_weights_are_not_those_of_another_data_set(server, publish):
    publish(PUBLISHED, trained("squeezenet1_1").state_dict())
    with pytest.raises(DataError, match=r"squeezenet1_1 returns \(1000,\) outputs for an image, but the data set has 4 classes"):
        check_teacher(PUBLISHED, CLASSES, SIZE, "cpu")


def test_weights_that_arrive_damaged_are_refused_and_not_kept(server, publish):
    name = publish(PUBLISHED, {})
    server.content = server.content[:-1] + b"!"
    with pytest.raises(DataError, match="checksum or size differs") as caught:
        load_teacher(PUBLISHED, "cpu")
    assert f"copy the file to {weights_path(name)}" in caught.value.hint
    assert not weights_path(name).exists()


def weights_path(name):
    from hpstudy.data import cache

    return cache.root() / "teachers" / "checkpoints" / name


@pytest.mark.parametrize("ask", [weights_file, teacher_identity, lambda settings: load_teacher(settings, "cpu")])
def test_weights_that_were_damaged_later_are_refused(server, publish, ask):
    publish(PUBLISHED, {})
    file = weights_file(PUBLISHED)
    file.write_bytes(b"damaged")
    with pytest.raises(DataError, match=f"{file.name} is damaged") as caught:
        ask(PUBLISHED)
    assert "delete it" in caught.value.hint


def test_weights_that_were_put_there_are_not_fetched(server, publish):
    network = trained("squeezenet1_1")
    name = publish(PUBLISHED, network.state_dict())
    weights_path(name).parent.mkdir(parents=True)
    weights_path(name).write_bytes(server.content)
    load_teacher(PUBLISHED, "cpu")
    assert server.requests == []


def test_no_network_is_a_data_error_that_says_where_to_put_the_weights(publish, monkeypatch):
    publish(PUBLISHED, {})
    weights = import_models().get_model_weights("squeezenet1_1").IMAGENET1K_V1
    monkeypatch.setattr(weights, "_value_", replace(weights.value, url="http://127.0.0.1:9/models/w-01234567.pth"))
    with pytest.raises(DataError, match="cannot be downloaded") as caught:
        load_teacher(PUBLISHED, "cpu")
    assert str(weights_path("w-01234567.pth")) in caught.value.hint


def test_a_checksum_is_looked_for_in_every_published_name():
    from hpstudy.bnn.teacher import _digest

    models = import_models()
    urls = [weights.url for name in models.list_models(models) for weights in models.get_model_weights(name)]
    assert len(urls) > 80
    assert all(_digest(Path(url)) for url in urls)
    assert _digest(Path("resnet34-b627a593.pth")) == "b627a593"
    assert _digest(Path("vgg16_features-amdegroot-88682ab5.pth")) == "88682ab5"
    assert _digest(Path("weights.pth")) is None


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        (Teacher(network="resnet43", weights="V"), "task.teacher.network: .*no network 'resnet43'", "did you mean 'resnet34'"),
        (Teacher(network="fcn_resnet50", weights="V"), "no network 'fcn_resnet50'", "valid: alexnet, .*more"),
        (
            Teacher(network="resnet50", weights="IMAGENET1K_V3"),
            "task.teacher.weights: resnet50 has no weights 'IMAGENET1K_V3'",
            "did you mean 'IMAGENET1K_V.'. valid: IMAGENET1K_V1, IMAGENET1K_V2, DEFAULT",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else value.network,
)
def test_an_unknown_network_or_weights_are_a_data_error_with_the_valid_names(settings, message, hint):
    for ask in (teacher_identity, weights_file, lambda settings: load_teacher(settings, "cpu")):
        with pytest.raises(DataError, match=f"{message}(.|\n)*{hint}"):
            ask(settings)


def test_the_identity_of_a_published_teacher_is_the_checksum_of_its_weights(server, publish):
    publish(PUBLISHED, {"any": torch.zeros(1)})
    checksum = hashlib.sha256(server.content).hexdigest()
    assert teacher_identity(PUBLISHED) == {"weights IMAGENET1K_V1 of squeezenet1_1": checksum}


def test_the_identity_of_ones_own_teacher_is_that_of_its_source(own, tmp_path):
    checksum = hashlib.sha256((tmp_path / "own_teachers.py").read_bytes()).hexdigest()
    assert teacher_identity(own("make")) == {"source of module own_teachers": checksum}


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"network": "resnet34"}, "weights are missing: for instance IMAGENET1K_V1"),
        ({"network": "my_module:make", "weights": "IMAGENET1K_V1"}, "weights are only for a network of torchvision"),
        ({"weights": "IMAGENET1K_V1"}, "network"),
        ({"network": "resnet34", "weight": "IMAGENET1K_V1"}, "weight"),
    ],
)
def test_half_a_teacher_is_refused(block, message):
    with pytest.raises(ValidationError, match=message):
        Teacher.model_validate(block)


@pytest.mark.parametrize("block", [{"network": "resnet34", "weights": "IMAGENET1K_V1"}, {"network": "my_module:make"}])
def test_a_whole_teacher_is_accepted_and_stays_what_it_is(block):
    teacher = Teacher.model_validate(block)
    assert Teacher.model_validate(teacher.model_dump(mode="json")) == teacher
    assert teacher.model_dump(exclude_none=True) == block


def test_nothing_random_decides_what_a_published_teacher_says(server, publish):
    publish(PUBLISHED, trained("squeezenet1_1").state_dict())
    x, said = pictures(), []
    for seed in (1, 2):
        load_teacher.cache_clear()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            said.append(load_teacher(PUBLISHED, "cpu")(x))
    assert torch.equal(*said)
