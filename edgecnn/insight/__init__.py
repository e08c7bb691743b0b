"""What can be seen inside a model file, its own graph all that is needed: no PyTorch, no card.

``graph`` reads a file as layers in order of computation. The other modules say what a layer is (``layers``), holds
(``weights``), hands on (``activations``), takes of the time (``times``) and loses in int8 (``noise``); what the network
makes of images before its last layer (``features``), as a map (``embedding``); and on which part of an image an answer
rests (``occlusion``; ``gradients``, which alone needs the checkpoint).
"""
