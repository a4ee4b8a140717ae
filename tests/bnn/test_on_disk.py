import threading
import time
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from hpstudy.bnn import on_disk
from hpstudy.bnn.batches import Data, epoch_batches, evaluation_batches, plain_batches
from hpstudy.bnn.on_disk import OnDisk, center_crop
from hpstudy.bnn.photographs import PhotographTransform, crop_boxes
from hpstudy.bnn.teacher import import_models
from hpstudy.errors import DataError

SIZE, SHORT_SIDE, SMALLEST = 24, 30, 0.2
SHAPES = [(40, 60), (61, 43), (30, 30), (29, 97), (24, 24), (200, 31), (13, 7), (45, 46), (33, 100)]
N = len(SHAPES)


def picture(height, width, mode="RGB"):
    """Color gradients with noise, so that no two pixels and no two pictures are alike."""
    down, across = np.mgrid[0:height, 0:width]
    plain = np.stack([255 * down / height, 255 * across / width, (down * across) % 256], 2)
    noise = np.random.default_rng(height * 1000 + width).integers(-30, 31, plain.shape)
    return Image.fromarray(np.clip(plain + noise, 0, 255).astype(np.uint8)).convert(mode)


def file_of(image, form="PNG", **options):
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


class Files:
    """Pictures in memory that are read as files are; keeps which were read, and by which threads."""

    def __init__(self, images, contents=None):
        self.contents = contents or [file_of(image) for image in images]
        self.paths = [f"class/{number}.png" for number in range(len(images))]
        self.shape = np.array([(image.height, image.width) for image in images], dtype=np.int32)
        self.reads = []
        self.threads = set()

    def read(self, row):
        self.reads.append(row)
        self.threads.add(threading.current_thread().name)
        return self.contents[row]


@pytest.fixture
def threads(monkeypatch):
    """Reads with so many threads, as a GPU training does."""

    def use(count):
        readers = on_disk._readers
        monkeypatch.setattr(on_disk, "_readers", lambda _: readers(count))

    return use


def images():
    return [picture(*shape) for shape in SHAPES]


def part(files=None, rows=None):
    files = files or Files(images())
    rows = np.arange(len(files.paths)) if rows is None else np.array(rows)
    return OnDisk(files, rows, torch.from_numpy(10 * rows), size=SIZE, short_side=SHORT_SIDE, smallest_piece=SMALLEST)


def transform():
    return PhotographTransform([0.0] * 3, [1 / 255] * 3, mirror=False, lighting=0)


def draws(n, seed=0):
    return transform().draw(n, torch.Generator().manual_seed(seed))


def readers_alive():
    return [thread for thread in threading.enumerate() if thread.name.startswith("hpstudy-images")]


def torchvision_transforms():
    import_models()
    from torchvision import transforms

    return transforms


def middles(found, size=SIZE, short_side=SHORT_SIDE):
    """By torchvision."""
    transforms = torchvision_transforms()
    cut = transforms.Compose([transforms.Resize(short_side), transforms.CenterCrop(size)])
    return np.stack([np.asarray(cut(image)) for image in found])


@pytest.mark.parametrize(
    "shape", [(375, 500), (333, 251), (256, 256), (224, 224), (1, 1), (257, 1023), (999, 256), (480, 481), (50, 31)]
)
def test_the_middle_is_that_of_torchvision(shape):
    image = picture(*shape)
    np.testing.assert_array_equal(np.asarray(center_crop(image, 224, 256)), middles([image], 224, 256)[0])


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_random_piece_is_that_of_torchvision(version):
    import_models()
    from torchvision.transforms import functional as v1
    from torchvision.transforms.v2 import functional as v2

    drawn = draws(N)
    [(x, _, _)] = part().batches(torch.arange(N), drawn, N)
    boxes = crop_boxes(drawn, torch.tensor(SHAPES), SMALLEST).tolist()
    assert len({(right - left) * (bottom - top) for left, top, right, bottom in boxes}) > 5
    for image, square, (left, top, right, bottom) in zip(images(), x, boxes, strict=True):
        expected = {"v1": v1, "v2": v2}[version].resized_crop(image, top, left, bottom - top, right - left, [SIZE, SIZE])
        np.testing.assert_array_equal(square.numpy(), np.asarray(expected))


def test_without_draws_the_middles_are_read():
    [(x, _, drawn)] = part().batches(torch.arange(N), None, N)
    assert drawn is None
    assert x.dtype == torch.uint8
    np.testing.assert_array_equal(x.numpy(), middles(images()))


@pytest.mark.parametrize("count", [0, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 9, 20])
def test_batches_come_in_order_with_their_classes_and_draws_and_the_last_may_be_smaller(size, count, threads):
    threads(count)
    rows, drawn = torch.tensor([3, 0, 8, 1, 3, 7, 2]), draws(7)
    batches = list(part().batches(rows, drawn, size))
    assert [len(x) for x, _, _ in batches] == [len(each) for each in torch.split(rows, size)]
    x, y, passed_on = (torch.cat(each) for each in zip(*batches, strict=True))
    assert torch.equal(y, 10 * rows)
    assert torch.equal(passed_on, drawn)
    [(whole, _, _)] = part().batches(rows, drawn, len(rows))
    assert torch.equal(x, whole)


def test_a_part_counts_its_own_rows():
    rows = [6, 1, 4]
    files = Files(images())
    found = part(files, rows)
    [(x, y, _)] = found.batches(torch.tensor([2, 0]), None, 5)
    assert y.tolist() == [40, 60]
    np.testing.assert_array_equal(x.numpy(), middles([picture(*SHAPES[4]), picture(*SHAPES[6])]))
    assert files.reads == [4, 6]


def test_all_pictures_of_a_part_come_in_order():
    rows = [6, 1, 4, 0]
    batches = list(part(rows=rows).in_order(3))
    assert [len(x) for x in batches] == [3, 1]
    np.testing.assert_array_equal(torch.cat(batches).numpy(), middles([picture(*SHAPES[row]) for row in rows]))


def test_no_pictures_are_no_batches():
    assert list(part().batches(torch.arange(0), draws(0), 4)) == []


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_number_of_threads_changes_nothing(count, threads):
    at_once, in_threads = Files(images()), Files(images())
    rows, drawn = torch.arange(N).repeat(4), draws(4 * N)
    expected = list(part(at_once).batches(rows, drawn, 5))
    threads(count)
    found = list(part(in_threads).batches(rows, drawn, 5))
    assert all(torch.equal(a, b) for one, other in zip(expected, found, strict=True) for a, b in zip(one, other, strict=True))
    assert at_once.threads == {threading.current_thread().name}
    assert all(name.startswith("hpstudy-images") for name in in_threads.threads)
    assert not readers_alive()


def test_training_on_a_cpu_reads_in_its_own_thread():
    files = Files(images())
    list(part(files).in_order(4))
    assert files.threads == {threading.current_thread().name}


def test_reading_runs_ahead_of_the_training_by_two_batches(threads):
    for count in (0, 2):
        threads(count)
        files = Files(images() * 4)
        batches = part(files).in_order(3)
        next(batches)
        deadline = time.monotonic() + 10
        while len(files.reads) < 9 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert sorted(files.reads) == list(range(9))
        batches.close()


class Held(Files):
    """Every read but those of the first batch waits for `go`. `waiting` is set when one does."""

    def __init__(self, *args):
        super().__init__(*args)
        self.go, self.waiting = threading.Event(), threading.Event()

    def read(self, row):
        content = super().read(row)
        if row >= 3:
            self.waiting.set()
            assert self.go.wait(10)
        return content


@pytest.mark.parametrize("stop", ["closed", "forgotten", "failed"])
def test_a_consumer_that_stops_leaves_no_thread_and_no_more_reads(stop, threads):
    threads(2)
    files = Held(images() * 4)
    d = Data(part(files), part(), part(), transform(), evaluation_rows=3)
    batches = plain_batches(d, torch.arange(4 * N), 3)
    next(batches)
    assert readers_alive()
    assert files.waiting.wait(10)
    threading.Timer(0.05, files.go.set).start()
    if stop == "closed":
        batches.close()
    elif stop == "forgotten":
        del batches
    else:
        with pytest.raises(ValueError, match="of training"):
            batches.throw(ValueError("of training"))
    assert not readers_alive()
    assert len(files.reads) <= 5  # the first batch, and one read of each of two threads
    assert files.go.is_set()


@pytest.mark.parametrize("count", [0, 2])
def test_an_error_in_reading_reaches_the_consumer(count, threads):
    class Gone(Files):
        def read(self, row):
            if row == 4:
                raise DataError("class/4.png is gone")
            return super().read(row)

    threads(count)
    with pytest.raises(DataError, match=r"class/4\.png is gone"):
        list(part(Gone(images() * 3)).in_order(2))
    assert not readers_alive()


def test_the_batches_before_a_broken_picture_arrive_from_threads(threads):
    threads(2)
    contents = [file_of(image) for image in images()]
    contents[7] = b"no picture"
    batches = part(Files(images(), contents)).in_order(2)
    assert [len(next(batches)) for _ in range(3)] == [2, 2, 2]
    with pytest.raises(DataError):
        next(batches)


def damaged_header(content):
    return b"\0" * 20 + content[20:]


def cut_off(content):
    return content[: len(content) // 2]


def damaged_middle(content):
    half = len(content) // 2
    return content[:half] + bytes(50) + content[half + 50 :]


@pytest.mark.parametrize(
    ("form", "damage"),
    [
        ("PNG", damaged_header),
        ("PNG", cut_off),
        ("PNG", damaged_middle),
        ("JPEG", damaged_header),
        ("JPEG", cut_off),
        ("WEBP", cut_off),
        ("BMP", cut_off),
        ("PNG", lambda _: b""),
    ],
)
def test_a_broken_file_is_a_data_error_with_its_name(form, damage):
    contents = [file_of(image, form) for image in images()]
    contents[5] = damage(contents[5])
    with pytest.raises(DataError, match=r"class/5\.png cannot be read: \w+") as error:
        list(part(Files(images(), contents)).in_order(4))
    assert "import" in error.value.hint


@pytest.mark.parametrize("error", [MemoryError(), KeyError("tag"), Image.DecompressionBombError("huge")], ids=repr)
def test_whatever_a_decoder_raises_is_a_data_error(error, monkeypatch):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr(on_disk.Image, "open", broken)
    with pytest.raises(DataError, match=rf"class/0\.png cannot be read: .*({error.args[0] if error.args else 'MemoryError'})"):
        list(part().in_order(4))


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK", "RGB"])
def test_pictures_of_every_kind_are_seen_in_red_green_and_blue(mode):
    image = picture(40, 50, mode)
    content = file_of(image, "JPEG" if mode == "CMYK" else "PNG")
    [x] = part(Files([image], [content])).in_order(1)
    with Image.open(BytesIO(content)) as file:
        expected = middles([file.convert("RGB")])
    np.testing.assert_array_equal(x.numpy(), expected)
    assert bool((x[..., 0] == x[..., 2]).all()) is (mode in ("L", "1", "LA"))


def test_transparency_is_left_out_in_silence():
    image = picture(40, 50, "P")
    [x] = part(Files([image], [file_of(image, transparency=bytes(range(256)))])).in_order(1)
    np.testing.assert_array_equal(x.numpy(), middles([image.convert("RGB")]))


def test_an_epoch_of_photographs_reaches_the_network_as_pieces_in_the_drawn_order():
    d = Data(part(), part(), part(), transform(), evaluation_rows=4)
    order, augmentation = (torch.Generator().manual_seed(seed) for seed in (1, 2))
    found = list(epoch_batches(d, 4, 2, [order], [augmentation]))
    rows = torch.randperm(N, generator=torch.Generator().manual_seed(1))[:8]
    [(x, y, _)] = part().batches(rows, draws(8, seed=2), 8)
    assert torch.equal(torch.cat([y for _, y in found]), y)
    torch.testing.assert_close(torch.cat([x for x, _ in found]), x.permute(0, 3, 1, 2).float(), atol=1e-3, rtol=0)


def test_evaluation_does_not_depend_on_its_rows():
    wide, narrow = (Data(part(), part(), part(), transform(), evaluation_rows=rows) for rows in (100, 2))
    assert torch.equal(*(torch.cat(list(evaluation_batches(d, d.test))) for d in (wide, narrow)))


@pytest.mark.parametrize(("cores", "expected"), [(1, 1), (6, 6), (200, 16)])
def test_there_are_as_many_threads_as_cores_up_to_a_limit(cores, expected, monkeypatch):
    monkeypatch.setattr(on_disk, "usable_cores", lambda: cores)
    assert on_disk._threads() == expected
