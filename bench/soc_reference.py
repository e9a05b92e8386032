"""SOC the plain way: the reference formulation, for bench/soc.py to measure against.

It shares the parameters of our network and must give the same numbers. Written as the public code of
Video Swin, Deformable DETR and SOC computes: windows are padded, rolled, cut and masked one step after the
other, attention weights are stored, deformable attention stacks its readings, every decoder layer's
heads run although one answers, every query's mask is a grouped convolution over repeated features, and
every expression is a run of its own.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from refervid.models.soc import SOC, LayerOutput, Tokens
from refervid.models.soc.attention import MultiheadAttention
from refervid.models.soc.deformable import DeformableAttention
from refervid.models.soc.heads import refine
from refervid.models.soc.positions import map_positions, word_positions
from refervid.models.soc.video_swin import Block, VideoSwin, WindowAttention
from refervid.models.soc.windows import relative_position_index

Size = tuple[int, int, int]


@torch.no_grad()
def reference_forward(model: SOC, frames: Tensor, tokens: Tokens) -> LayerOutput:
    """One unpadded clip (1, T, 3, H, W), one sentence, eval mode."""
    time, _, height, width = frames.shape[1:]
    maps = swin(model.backbone, frames)
    padding = torch.zeros(time, height, width, dtype=torch.bool, device=frames.device)
    text = model.encode_text(tokens)
    word_codes = word_positions(text.keep, model.config.width)

    fused, codes, masks = [], [], []
    for index, source in enumerate([*maps[1:], maps[3]]):
        x = model.input_proj[index](source)
        mask = F.interpolate(padding[None].float(), size=x.shape[-2:])[0].bool()
        code = map_positions(mask, model.config.width).permute(0, 3, 1, 2)
        sequence = x.permute(0, 2, 3, 1).reshape(1, -1, x.shape[1])
        if index < 3:
            key = sequence + code.permute(0, 2, 3, 1).reshape(1, -1, x.shape[1])
            attention(model.lvf.multihead_attn, text.words, key, sequence, mask.reshape(1, -1))
        seen = attention(model.vlf.multihead_attn, sequence, text.words + word_codes, text.words, ~text.keep)
        fused.append((sequence * seen).view(time, *x.shape[-2:], -1).permute(0, 3, 1, 2))
        codes.append(code)
        masks.append(mask)

    memory, hidden, initial, references = transformer(model, fused, codes, masks)
    clip_queries = voc(model, hidden[-1].flatten(0, 1)[None], text.sentence)
    pixels = fpn(model, memory, maps[0])
    outputs = []
    for layer in range(model.config.decoder_layers):
        queries = hidden[layer] + clip_queries
        before = initial if layer == 0 else references[layer - 1]
        centres = references[layer][..., :2] * torch.tensor([width, height], device=frames.device)
        masks_of_layer = dynamic_masks(pixels, model.controller(queries), centres)
        classes = model.class_embed[layer](queries)
        boxes = refine(model.bbox_embed[layer](queries), before)
        outputs.append(LayerOutput(classes[None], boxes[None], masks_of_layer[None], clip_queries))
    return outputs[0 if model.config.prediction_layer == "first" else -1]


def attention(
    module: MultiheadAttention, query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None = None
) -> Tensor:
    """`nn.MultiheadAttention` as called by default: it stores and averages the weights."""
    out, _ = F.multi_head_attention_forward(
        query.transpose(0, 1),
        key.transpose(0, 1),
        value.transpose(0, 1),
        query.shape[2],
        module.heads,
        module.in_proj_weight,
        module.in_proj_bias,
        None,
        None,
        False,
        0.0,
        module.out_proj.weight,
        module.out_proj.bias,
        training=False,
        key_padding_mask=padding,
    )
    return out.transpose(0, 1)


def swin(backbone: VideoSwin, frames: Tensor) -> list[Tensor]:
    frames = frames.transpose(1, 2)
    frames = F.pad(frames, (0, -frames.shape[4] % 4, 0, -frames.shape[3] % 4))
    x = backbone.patch_embed.norm(backbone.patch_embed.proj(frames).permute(0, 2, 3, 4, 1))
    maps = []
    for index, stage in enumerate(backbone.layers):
        for number, block in enumerate(stage.blocks):
            x = swin_block(block, x, number % 2 == 1)
        maps.append(x.flatten(0, 1).permute(0, 3, 1, 2).contiguous())
        if index < 3:
            x = backbone.downsamples[index](x)
    return maps


def swin_block(block: Block, x: Tensor, shifted: bool) -> Tensor:
    size = (x.shape[1], x.shape[2], x.shape[3])
    window = tuple(min(n, w) for n, w in zip(size, block.attn.window, strict=True))
    shift = tuple(w // 2 if shifted and n > w else 0 for n, w in zip(size, block.attn.window, strict=True))
    y = block.norm1(x)
    t, h, w = (-n % m for n, m in zip(size, window, strict=True))
    y = F.pad(y, (0, 0, 0, w, 0, h, 0, t))
    padded = (y.shape[1], y.shape[2], y.shape[3])
    if any(shift):
        y = torch.roll(y, tuple(-s for s in shift), (1, 2, 3))
    mask = shift_mask(padded, window, shift, x.device) if any(shift) else None
    windows = window_attention(block.attn, cut(y, window), mask)
    y = join(windows, window, padded)
    if any(shift):
        y = torch.roll(y, shift, (1, 2, 3))
    x = x + y[:, : size[0], : size[1], : size[2]]
    return x + block.mlp(block.norm2(x))


def window_attention(module: WindowAttention, x: Tensor, mask: Tensor | None) -> Tensor:
    windows, tokens, width = x.shape
    qkv = module.qkv(x).reshape(windows, tokens, 3, module.heads, -1).permute(2, 0, 3, 1, 4)
    query, key, value = qkv
    weights = (query * (width // module.heads) ** -0.5) @ key.transpose(-2, -1)
    index = relative_position_index(module.window, x.device)[:tokens, :tokens].reshape(-1)
    bias = module.relative_position_bias_table[index].view(tokens, tokens, -1).permute(2, 0, 1)
    weights = weights + bias[None]
    if mask is not None:
        weights = weights.view(-1, len(mask), module.heads, tokens, tokens) + mask[None, :, None]
        weights = weights.view(-1, module.heads, tokens, tokens)
    return module.proj((weights.softmax(-1) @ value).transpose(1, 2).reshape(windows, tokens, width))


def cut(x: Tensor, window: Size) -> Tensor:
    b, t, h, w, c = x.shape
    x = x.view(b, t // window[0], window[0], h // window[1], window[1], w // window[2], window[2], c)
    return x.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(-1, window[0] * window[1] * window[2], c)


def join(windows: Tensor, window: Size, size: Size) -> Tensor:
    counts = [n // w for n, w in zip(size, window, strict=True)]
    x = windows.view(-1, *counts, *window, windows.shape[-1])
    return x.permute(0, 1, 4, 2, 5, 3, 6, 7).reshape(-1, *size, windows.shape[-1])


@lru_cache
def shift_mask(size: Size, window: Size, shift: Size, device: torch.device) -> Tensor:
    regions = torch.zeros(1, *size, 1, device=device)
    count = 0
    cells = [(slice(-w), slice(-w, -s), slice(-s, None)) for w, s in zip(window, shift, strict=True)]
    for t in cells[0]:
        for h in cells[1]:
            for w in cells[2]:
                regions[:, t, h, w] = count
                count += 1
    labels = cut(regions, window).squeeze(-1)
    different = labels[:, None] != labels[:, :, None]
    return different.float() * -100.0


def transformer(
    model: SOC, maps: list[Tensor], codes: list[Tensor], masks: list[Tensor]
) -> tuple[list[Tensor], list[Tensor], Tensor, list[Tensor]]:
    module = model.transformer
    shapes = [(level.shape[2], level.shape[3]) for level in maps]
    x = torch.cat([level.flatten(2).transpose(1, 2) for level in maps], 1)
    code = torch.cat([c.flatten(2).transpose(1, 2) + module.level_embed[i] for i, c in enumerate(codes)], 1)
    padding = torch.cat([mask.flatten(1) for mask in masks], 1)
    reference = torch.cat([grid(h, w, x.device) for h, w in shapes])[None, :, None].expand(len(x), -1, 4, -1)
    for layer in module.encoder.layers:
        y = deformable(layer.self_attn, x + code, reference, x, shapes, padding)
        x = layer.norm1(x + y)
        x = layer.norm2(x + layer.linear2(F.relu(layer.linear1(x))))

    code = model.query_embed.weight[None].expand(len(x), -1, -1)
    queries = torch.zeros_like(code)
    initial = boxes = module.reference_points(code).sigmoid()
    hidden, references = [], []
    for layer, head in zip(module.decoder.layers, model.bbox_embed, strict=True):
        position = queries + code
        queries = layer.norm2(queries + attention(layer.self_attn, position, position, queries))
        wide = boxes[:, :, None].expand(-1, -1, 4, -1)
        y = deformable(layer.cross_attn, queries + code, wide, x, shapes, padding)
        queries = layer.norm1(queries + y)
        queries = layer.norm3(queries + layer.linear2(F.relu(layer.linear1(queries))))
        boxes = refine(head(queries), boxes)
        hidden.append(queries)
        references.append(boxes)
    levels = x.split([h * w for h, w in shapes], 1)[:3]
    memory = [
        level.transpose(1, 2).reshape(len(x), -1, *shape)
        for level, shape in zip(levels, shapes, strict=False)
    ]
    return memory, hidden, initial, references


def grid(height: int, width: int, device: torch.device) -> Tensor:
    y, x = torch.meshgrid(
        (torch.arange(height, device=device) + 0.5) / height,
        (torch.arange(width, device=device) + 0.5) / width,
        indexing="ij",
    )
    return torch.stack((x, y), -1).view(-1, 2)


def deformable(
    module: DeformableAttention,
    query: Tensor,
    reference: Tensor,
    memory: Tensor,
    shapes: list[tuple[int, int]],
    padding: Tensor,
) -> Tensor:
    """With the pure PyTorch core that the authors of Deformable DETR give beside their CUDA operator."""
    frames, queries, _ = query.shape
    heads, levels, points = module.heads, module.levels, module.points
    value = (
        module.value_proj(memory)
        .masked_fill(padding[..., None], 0.0)
        .view(frames, memory.shape[1], heads, -1)
    )
    offsets = module.sampling_offsets(query).view(frames, queries, heads, levels, points, 2)
    weights = module.attention_weights(query).view(frames, queries, heads, levels * points).softmax(-1)
    if reference.shape[-1] == 2:
        size = torch.tensor([(w, h) for h, w in shapes], device=query.device)
        places = reference[:, :, None, :, None] + offsets / size[None, None, None, :, None]
    else:
        wide = reference[:, :, None, :, None]
        places = wide[..., :2] + offsets / points * wide[..., 2:] * 0.5
    grids = 2 * places - 1
    readings = []
    for level, (part, (h, w)) in enumerate(
        zip(value.split([h * w for h, w in shapes], 1), shapes, strict=True)
    ):
        picture = part.flatten(2).transpose(1, 2).reshape(frames * heads, -1, h, w)
        where = grids[:, :, :, level].transpose(1, 2).flatten(0, 1)
        readings.append(F.grid_sample(picture, where, align_corners=False))
    weights = weights.transpose(1, 2).reshape(frames * heads, 1, queries, levels * points)
    out = (torch.stack(readings, -2).flatten(-2) * weights).sum(-1).view(frames, -1, queries)
    return module.output_proj(out.transpose(1, 2).contiguous())


def voc(model: SOC, x: Tensor, sentence: Tensor) -> Tensor:
    module = model.voc
    assert module is not None
    for own, ffn in zip(module.enc_self_attn, module.enc_ffn, strict=True):
        x = own.norm(x + attention(own.self_attn, x, x, x))
        x = ffn.norm(x + ffn.linear2(F.relu(ffn.linear1(x))))
    code = module.query_embed.weight[None]
    key = x + module.fq_pos.weight.repeat(x.shape[1] // code.shape[1], 1)
    y = sentence[:, None].expand(-1, code.shape[1], -1)
    for cross, own, ffn in zip(
        module.transformer_cross_attention_layers,
        module.transformer_self_attention_layers,
        module.transformer_ffn_layers,
        strict=True,
    ):
        y = cross.norm(y + attention(cross.multihead_attn, y + code, key, x))
        y = own.norm(y + attention(own.self_attn, y + code, y + code, y))
        y = ffn.norm(y + ffn.linear2(F.relu(ffn.linear1(y))))
    return module.decoder_norm(y)


def fpn(model: SOC, memory: list[Tensor], finest: Tensor) -> Tensor:
    decoder = model.spatial_decoder
    x = memory[2]
    steps: list[nn.Module | None] = [None, None, decoder.adapter1, decoder.adapter2, decoder.adapter3]
    finer = [None, None, memory[1], memory[0], finest]
    for number, (adapter, source) in enumerate(zip(steps, finer, strict=True), 1):
        if adapter is not None:
            y = adapter(source)
            x = y + F.interpolate(x, size=y.shape[-2:], mode="nearest")
        x = F.relu(getattr(decoder, f"gn{number}")(getattr(decoder, f"lay{number}")(x)))
    return decoder.out_lay(x)


def dynamic_masks(pixels: Tensor, parameters: Tensor, centres: Tensor) -> Tensor:
    frames, queries, _ = parameters.shape
    height, width = pixels.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=pixels.device) * 4.0 + 2,
        torch.arange(width, device=pixels.device) * 4.0 + 2,
        indexing="ij",
    )
    relative = centres[:, :, :, None, None] - torch.stack((x, y))
    features = pixels[:, None].expand(-1, queries, -1, -1, -1)
    z = torch.cat((features, relative), 2).reshape(1, -1, height, width)
    groups = frames * queries
    sizes = [80, 64, 8, 8, 8, 1]
    numbers = [part.reshape(groups, -1) for part in parameters.split(sizes, -1)]
    for layer, outputs in enumerate((8, 8, 1)):
        weight = numbers[layer].reshape(groups * outputs, -1, 1, 1)
        z = F.conv2d(z, weight, numbers[3 + layer].reshape(-1), groups=groups)
        if layer < 2:
            z = F.relu(z)
    return z.view(frames, queries, height, width)
