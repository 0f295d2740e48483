"""Encoders and shared blocks. Encoders return a tuple of feature maps, fine to coarse."""

from vosedu.nn.aspp import ASPP
from vosedu.nn.inputs import caffe_bgr, imagenet_rgb, resize_image, to_batch
from vosedu.nn.mobilenet import MobileNetV2
from vosedu.nn.resnet import BasicBlock, Bottleneck, DeepLabResNet, ResNet
from vosedu.nn.tiny import TinyEncoder
from vosedu.nn.vgg import VGG16
from vosedu.nn.weights import LoadReport, Renaming, load_weights, read_state

__all__ = [
    "ASPP",
    "VGG16",
    "BasicBlock",
    "Bottleneck",
    "DeepLabResNet",
    "LoadReport",
    "MobileNetV2",
    "Renaming",
    "ResNet",
    "TinyEncoder",
    "caffe_bgr",
    "imagenet_rgb",
    "load_weights",
    "read_state",
    "resize_image",
    "to_batch",
]
