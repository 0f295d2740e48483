"""Encoders: the maps they promise, torchvision's names and files."""

from __future__ import annotations

import pytest
import torch

from vosedu.nn import ASPP, DeepLabResNet, MobileNetV2, ResNet, TinyEncoder, load_weights

ENCODERS = {
    "resnet18": lambda: ResNet(18),
    "resnet18-stages3-stride8": lambda: ResNet(18, stages=3, output_stride=8),
    "resnet50-stride16": lambda: ResNet(50, output_stride=16),
    "mobilenet": lambda: MobileNetV2(),
    "mobilenet-stride8": lambda: MobileNetV2(output_stride=8),
    "tiny": lambda: TinyEncoder(),
    "tiny-stride8": lambda: TinyEncoder(output_stride=8),
    "tiny-two-channels": lambda: TinyEncoder(in_channels=2),
}


def parameters(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", ENCODERS)
def test_maps_have_the_promised_channels_and_strides(name: str) -> None:
    encoder = ENCODERS[name]().eval()
    channels = 2 if "two" in name else 3
    with torch.no_grad():
        maps = encoder(torch.rand(1, channels, 64, 96))
    assert [m.shape[1] for m in maps] == list(encoder.channels)
    assert [(64 // m.shape[2], 96 // m.shape[3]) for m in maps] == [
        (stride, stride) for stride in encoder.strides
    ]
    assert list(encoder.strides) == sorted(encoder.strides)


@pytest.mark.parametrize(
    ("depth", "expected"), [(18, 11_176_512), (34, 21_284_672), (50, 23_508_032), (101, 42_500_160)]
)
def test_resnets_have_the_published_number_of_parameters(depth: int, expected: int) -> None:
    with torch.device("meta"):
        assert parameters(ResNet(depth)) == expected


def test_dilation_leaves_the_parameters_alone() -> None:
    plain, dilated = ResNet(18), ResNet(18, output_stride=8)
    dilated.load_state_dict(plain.state_dict())
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        coarse, fine = plain.eval()(x), dilated.eval()(x)
    # stage 2 comes before any dilation
    torch.testing.assert_close(coarse[1], fine[1])
    assert fine[-1].shape[-1] == 4 * coarse[-1].shape[-1]


def test_dilation_computes_the_strided_features_on_a_finer_grid() -> None:
    strided, dilated = ResNet(18, stages=3), ResNet(18, stages=3, output_stride=8)
    dilated.load_state_dict(strided.state_dict())
    x = torch.rand(1, 3, 256, 256)
    with torch.no_grad():
        coarse, fine = strided.eval()(x)[-1], dilated.eval()(x)[-1]
    # every second position, away from the borders' zero padding
    torch.testing.assert_close(coarse[..., 4:-4, 4:-4], fine[..., 8:-8:2, 8:-8:2])


@pytest.mark.parametrize(("size", "expected"), [(128, 17), (96, 13), (104, 14)])
def test_deeplab_rounds_up_in_its_pooling(size: int, expected: int) -> None:
    with torch.device("meta"):
        maps = DeepLabResNet().eval()(torch.empty(1, 3, size, size))
    assert [m.shape[1] for m in maps] == [256, 512, 1024, 2048]
    assert maps[-1].shape[2:] == (expected, expected)


def test_deeplab_dilates_every_block_of_its_last_stages() -> None:
    with torch.device("meta"):
        encoder = DeepLabResNet()
    assert {b.conv2.dilation for b in encoder.layer3} == {(2, 2)}
    assert {b.conv2.dilation for b in encoder.layer4} == {(4, 4)}
    assert encoder.layer2[0].conv1.stride == (2, 2)


def test_tiny_encoder_is_tiny() -> None:
    assert 200_000 < parameters(TinyEncoder()) < 400_000


def test_aspp_keeps_the_map_size_and_feels_the_whole_image() -> None:
    torch.manual_seed(0)
    aspp = ASPP(8, 4, 6, rates=(1, 2, 3)).eval()
    x = torch.rand(1, 8, 20, 30)
    y = aspp(x)
    assert y.shape == (1, 6, 20, 30)
    x[..., 19, 29] += 1
    assert (aspp(x)[..., 0, 0] != y[..., 0, 0]).any()


def test_imagenet_resnet18_loads_strictly_up_to_layer3(shared) -> None:
    encoder = ResNet(18, stages=3)
    report = load_weights(encoder, shared / "weights" / "resnet18_imagenet_to_layer3.pth")
    assert report.loaded + report.absent_counters == len(encoder.state_dict())
    assert report.unused == ()


def test_imagenet_mobilenet_loads_strictly_with_its_classifier(shared) -> None:
    file = shared / "weights" / "mobilenet_v2_imagenet.pth"
    whole = MobileNetV2(classes=1000)
    load_weights(whole, file)
    encoder = MobileNetV2()
    report = load_weights(encoder, file, unused=("features.18.", "classifier."))
    assert all(n.startswith(("features.18.", "classifier.")) for n in report.unused)
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert whole.eval().classify(x).shape == (1, 1000)
        torch.testing.assert_close(whole(x)[-1], encoder.eval()(x)[-1])


def test_imagenet_weights_tell_a_swan_from_noise(shared) -> None:
    """The weights are loaded into the right places: a swan is a swan (class 100, black swan)."""
    sequence = shared / "data" / "davis-mini" / "JPEGImages" / "240p" / "blackswan"
    if not sequence.is_dir():
        pytest.skip("the blackswan sequence is not in ../shared/data/davis-mini")
    from vosedu.clip import Clip
    from vosedu.nn import imagenet_rgb, to_batch

    model = MobileNetV2(classes=1000).eval()
    load_weights(model, shared / "weights" / "mobilenet_v2_imagenet.pth")
    frame = Clip.read(sequence).frames[0]
    with torch.no_grad():
        logits = model.classify(imagenet_rgb(to_batch([frame], (224, 384))))
    assert 100 in logits.topk(5).indices
