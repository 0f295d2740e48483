"""Clips: a video and its labels, the files they are made of, and folders for results."""

from vosedu.clip.clip import ATTRIBUTES, VOID, Clip, ImageFrames, MaskFiles
from vosedu.clip.identities import objects_of, permuted
from vosedu.clip.images import (
    IMAGE_SUFFIXES,
    PALETTE,
    frame_files,
    image_files,
    image_size,
    opened,
    read_image,
    read_mask,
    stored_mask,
    write_mask,
)
from vosedu.clip.output import output_folder, written
from vosedu.clip.video import VideoFrames, VideoWriter

__all__ = [
    "ATTRIBUTES",
    "IMAGE_SUFFIXES",
    "PALETTE",
    "VOID",
    "Clip",
    "ImageFrames",
    "MaskFiles",
    "VideoFrames",
    "VideoWriter",
    "frame_files",
    "image_files",
    "image_size",
    "objects_of",
    "opened",
    "output_folder",
    "permuted",
    "read_image",
    "read_mask",
    "stored_mask",
    "write_mask",
    "written",
]
