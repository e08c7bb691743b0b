"""Modules of PyTorch that users name: in a file of Python, saved by torch.export, or of torchvision and timm."""

from edgecnn.own.module import Own, is_named, named, opened, transform

__all__ = ["Own", "is_named", "named", "opened", "transform"]
