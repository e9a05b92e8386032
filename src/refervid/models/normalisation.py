"""Mean and deviation of colours (RGB in 0..1) that published image encoders were trained with."""

from __future__ import annotations

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of ImageNet's training pictures, as torchvision documents its models' input."""

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Of OpenAI's CLIP (github.com/openai/CLIP), which OWLv2 and LanguageBind start from."""
