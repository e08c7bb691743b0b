"""The training loop: the whole data set as uint8 on the device or read from its files, batches by index, a state to
take up anywhere.

Every random draw follows from the recipe's seed and the epoch's number (and, within an epoch, from the saved
generator), and the learning rate from the step's number. On the CPU, with the same number
of threads, a run that was killed and resumed therefore ends in the same weights, bit for bit, as one that was not; on
another number sums come in another order, and the weights differ from their last digits on. So it is with the number of
processes (``processes.py``), of which the first one writes.
"""

import contextlib
import io
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgecnn import checkpoint, documents, files, networks, torch_state
from edgecnn.checkpoint import BEST, LAST, Checkpoint, PixelClassifier
from edgecnn.code_name import is_code, public
from edgecnn.data.survey import Survey
from edgecnn.errors import CheckFailed, Interrupted, RecipeError
from edgecnn.machine import processor, threads
from edgecnn.recipes.read import read
from edgecnn.recipes.schema import Recipe
from edgecnn.train import processes, progressive, run_folder
from edgecnn.train.answers import Answers
from edgecnn.train.augment import Batch, alternating_flips, augment
from edgecnn.train.average import MovingAverage
from edgecnn.train.clock import Clock, now
from edgecnn.train.device import TRIAL_IMAGES, pick_device, runs_bf16
from edgecnn.train.examples import Prepared
from edgecnn.train.feed import feed
from edgecnn.train.figures import LOSS, EpochRow, Outcome, Progress, best_index
from edgecnn.train.objective import Tally
from edgecnn.train.optimizers import factor, make_optimizer
from edgecnn.train.prepare import initial_classifier, learning_task
from edgecnn.train.processes import Group, Place
from edgecnn.train.start import start_rounding, take_weights
from edgecnn.train.teacher import Answer, teach
from edgecnn.train.together import answered
from edgecnn.train.unasked import Unasked, recipe_for

SAVE_SECONDS = 60.0
REPORT_SECONDS = 0.1
EVALUATION_BATCH = 500


def train(
    recipe: Recipe | Unasked | str | Path | None = None,
    run: str | Path | None = None,
    *,
    data: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    device: str = "auto",
    root: str | Path | None = None,
    resume: bool = False,
    clock: Clock = "wall",
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_epoch: Callable[[EpochRow], None] = lambda row: None,
    on_data: Callable[[Survey | None, tuple[str, ...]], None] = lambda survey, remarks: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train ``recipe`` (a name, a .toml file or one that was read) into the folder ``run`` (default: runs/RECIPE): best
    and last checkpoint, metrics.jsonl, recipe.toml, state.pt. ``overrides`` maps dotted keys of the recipe to values.
    ``data`` is the data set in place of the recipe's; without a recipe one is chosen for it, and recipe.toml has why:
    ``edgecnn.train(data="folder:photos")``.

    Example::

        import edgecnn

        outcome = edgecnn.train("digits-compact", "runs/digits", overrides={"epochs": 1, "data.subset": 400})
        print(outcome.best.validation, outcome.seconds)

    ``clock`` is what its seconds are: of the wall, or of the processor, by thread, where it is stopped in between.
    ``on_data`` is told before the first batch what a data set of the user's own has, and what else is to be known.
    ``should_stop`` is asked after each batch; when it says so, the state is saved and Interrupted raised.

    Where torchrun started several processes, each calls this with the same arguments and computes its part of every
    batch; the first one writes, and calls back. When torchrun starts them anew, they resume.

    Raises CheckpointError when ``run`` is taken, or for ``resume`` holds another recipe; DataError, RecipeError,
    ProviderError; ConnectionLost where another process is gone. Threads and random state of PyTorch are afterwards as
    they were before.
    """
    recipe, comments = _resolved(recipe, data, overrides)
    run = Path(run or Path("runs") / recipe.name)
    place = processes.launched()
    where = processes.device_of(place, pick_device(device))
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch_state.thread_count(max(1, threads.available() // place.local_count)))
        stack.enter_context(torch_state.current_device(where))
        stack.enter_context(torch_state.random_state(where))
        group = stack.enter_context(processes.joined(place, where))
        if not group.is_first:
            on_progress, on_epoch, on_data = _unheard, _unheard, _unheard
        with group.first_goes_first():
            resume = resume or run_folder.is_of_launch(run, place.launch, anew=place.anew)
            recipe = _with_code(recipe, run, resume=resume)
            prepared = learning_task(recipe).prepare(recipe, root)
            loop = Loop(
                recipe, run, where, prepared, clock, group
            )  # before the claim: weights that cannot be had leave no run behind
            if group.is_first:
                run_folder.claim(run, recipe, resume=resume, comments=comments, launch=place.launch)
                stack.enter_context(run_folder.held(run))
                if place.launch:
                    run_folder.note_launch(run, place.launch)
        loop.begin(resume=resume)
        on_data(prepared.survey, tuple(loop.remarks))
        loop.run_to_end(on_progress, on_epoch, should_stop)
        outcome = loop.outcome()
        named = {"run": run.name, "recipe": recipe.name, "seed": recipe.seed}
        if group.is_first:
            run_folder.write_outcome(run, documents.encode(outcome) | named)
    return outcome


def _unheard(*told: Any) -> None:
    """Take what only the first process tells."""


def _resolved(
    recipe: Recipe | Unasked | str | Path | None, data: str | None, overrides: Mapping[str, Any] | None
) -> tuple[Recipe, dict[str, str]]:
    """Read a recipe that is named, with what is to be otherwise, or choose one, with comments that say why.

    One that was read already is taken as it is."""
    changes = {**(overrides or {}), **({} if data is None else {"data.name": data})}
    if recipe is None and data is None:
        raise RecipeError('nothing to train; name a recipe, or a data set to choose one for: data="folder:photos".')
    chosen = recipe_for(str(data), changes) if recipe is None else recipe
    if isinstance(recipe, str | Path):
        return read(str(recipe), changes), {}
    found, comments = (chosen.recipe, chosen.comments) if isinstance(chosen, Unasked) else (chosen, {})
    assert isinstance(found, Recipe)
    if recipe is not None and changes:
        raise RecipeError(
            f"{found.name}: overrides ({', '.join(changes)}) come with a recipe that was read already. Give its "
            "name or its file, or read it with them."
        )
    return found, comments


def _with_code(recipe: Recipe, run: Path, *, resume: bool) -> Recipe:
    """Take the file of Python that a recipe names as its network, and write down its digest."""
    if not is_code(recipe.network.name):
        return recipe
    if resume:
        run_folder.check_recorded(run)
    sha256 = networks.take(recipe.network.name, recipe.network.sha256)
    return recipe.model_copy(update={"network": recipe.network.model_copy(update={"sha256": sha256})})


class Loop:
    """One training under way: the network, the data on the device, and what a resume needs."""

    def __init__(
        self,
        recipe: Recipe,
        run: Path,
        device: torch.device,
        prepared: Prepared,
        clock: Clock = "wall",
        group: Group | None = None,
    ) -> None:
        self.recipe, self.run, self.device, self.prepared, self.clock = recipe, run, device, prepared, clock
        self.group = group or Group(Place(), device)
        _check_divisible(recipe, self.group.count)
        self.remarks: list[str] = []
        self.classifier: PixelClassifier = initial_classifier(recipe, prepared, self.remarks.append).to(device)
        if recipe.prune:
            checkpoint.thin(self.classifier, torch.from_numpy(prepared.golden_nhwc).to(device), recipe.prune)
        begins = not (run / run_folder.STATE).exists()  # a saved state has weights of its own
        if recipe.start_from and begins:
            take_weights(self.classifier, recipe, prepared.train.labels)
        if recipe.quantization:
            start_rounding(self.classifier, prepared.train, calibrated=begins)
        self.classifier = self.classifier.to(memory_format=torch.channels_last)
        self.forward = torch.compile(self.classifier) if recipe.compile else self.classifier
        self.optimizer = make_optimizer(self.classifier.network, recipe)
        self.average = MovingAverage(self.classifier, recipe.regularization.ema) if recipe.regularization.ema else None
        self.kept: PixelClassifier = self.average.classifier if self.average else self.classifier
        self.stages = networks.stages(recipe.network.name, self.classifier.network) if recipe.unfreeze_at else []
        self.targets, self.validation_targets = (
            torch.from_numpy(examples.targets).to(device) for examples in (prepared.train, prepared.validation)
        )
        self.images = feed(prepared.train, self.targets, device)
        progressive.check(self.classifier, recipe, self.images.between(0, 1))
        self.validation = feed(prepared.validation, self.validation_targets, device)
        self.bf16 = False
        self.steps = -(-len(self.targets) // recipe.batch_size)
        self.data = run_folder.fingerprint(prepared)
        self.epoch = self.step = 0
        self.seconds = 0.0
        self.rows: list[EpochRow] = []
        self.objective = learning_task(recipe).objective(recipe, len(prepared.train.labels), device)
        self.tally = self.objective.tally()
        self.teacher = self._in_parts(teach(recipe.teacher, prepared, device)) if recipe.teacher else None
        self.views = recipe.teacher.views if recipe.teacher else 0
        self.answers = (
            Answers(self.teacher, run, len(self.targets), len(prepared.train.labels), self.group.any)
            if self.teacher and self.views
            else None
        )

    def _in_parts(self, answer: Answer) -> Answer:
        """Return an answer to whole batches of which each process computes its part."""
        return lambda images_nhwc: answered(self.group, answer, images_nhwc)

    def begin(self, *, resume: bool) -> None:
        """Have all processes start from the same: data, precision, weights, and for ``resume`` the saved state."""
        self.group.check_same(self.data["hash"].encode(), "the data set")
        if not (self.group.as_first(resume) and self.restore()):
            self.bf16 = self.group.as_first(self._gains_by_bf16())
        self.group.take_from_first(self.kept.state_dict().values())
        self.group.take_from_first(self.classifier.state_dict().values())

    def _gains_by_bf16(self) -> bool:
        trial = self.images.between(0, TRIAL_IMAGES)
        precision = "fp32" if self.recipe.quantization else self.recipe.precision
        return runs_bf16(self.device, precision, self.classifier, trial)

    def run_to_end(
        self,
        on_progress: Callable[[Progress], None],
        on_epoch: Callable[[EpochRow], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Train from where the state stands to the last epoch."""
        while not self._is_done():
            self._finish_epoch(on_progress, should_stop)
            on_epoch(self.rows[-1])
            if self.group.any(should_stop()) and not self._is_done():
                raise Interrupted(f"stopped after epoch {self.epoch} of {self.recipe.epochs}; everything is saved.")

    def _is_done(self) -> bool:
        patience = self.recipe.patience
        waited = len(self.rows) - 1 - best_index(self.rows) if self.rows else 0
        return self.epoch >= self.recipe.epochs or (patience is not None and waited >= patience)

    def outcome(self) -> Outcome:
        """Say how it went."""
        return Outcome(
            run=self.run,
            best=self.rows[-1 if self.recipe.select == "last" else best_index(self.rows)],
            last=self.rows[-1],
            seconds=self.seconds,
            parameters=sum(parameter.numel() for parameter in self.classifier.parameters()),
            device=str(self.device),
            processor=processor(),
            threads=torch.get_num_threads(),
            processes=self.group.count,
            precision="bf16" if self.bf16 else "fp32",
            train_images=len(self.prepared.train),
            validation_images=len(self.prepared.validation),
            skipped=self.prepared.train.skipped,
            data=self.prepared.survey,
            remarks=tuple(self.remarks),
            clock=self.clock,
        )

    def _finish_epoch(self, on_progress: Callable[[Progress], None], should_stop: Callable[[], bool]) -> None:
        started = saved = reported = now(self.clock)
        seconds_before, first_step, images = self.seconds, self.step, 0
        if self.step == 0:
            torch_state.seed(_seed(self.recipe.seed, self._view()), self.device)
        order, mirrored = self._order(), self._mirrored()
        self.classifier.train()
        self._freeze()
        while self.step < self.steps:
            images += self._train_batch(order, mirrored)
            at = now(self.clock)
            self.seconds = seconds_before + at - started
            if at - reported >= REPORT_SECONDS or self.step == self.steps:
                reported = at
                on_progress(self._progress(self.step - first_step, images, at - started))
            stopping = self.group.any(should_stop())
            if self.step < self.steps and (stopping or at - saved >= SAVE_SECONDS):
                self.save_state()
                saved = at
                if stopping:
                    raise Interrupted(
                        f"stopped in epoch {self.epoch + 1} of {self.recipe.epochs} after batch {self.step} of "
                        f"{self.steps}; everything is saved."
                    )
        self._close_epoch(images / (now(self.clock) - started), seconds_before, started)

    def _train_batch(self, order: Tensor, mirrored: Tensor) -> int:
        """Learn from the next batch and return how many images it has."""
        start, stop = self.step * self.recipe.batch_size, (self.step + 1) * self.recipe.batch_size
        chosen = order[start:stop]
        images_nhwc, targets = self.images.chosen(order, start, stop), self.targets[chosen]
        if self.views:  # whatever the network draws, a view is the same each time
            torch_state.seed(_seed(self.recipe.seed, self._view(), self.step), self.device)
        batch = augment(images_nhwc, targets, self.recipe.augment, mirrored[chosen])
        batch = self._taught(batch, chosen)
        batch = replace(batch, images_nhwc=progressive.resized(batch.images_nhwc, self._fraction_of_side()))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            answers = self._forward(batch.images_nhwc)
        loss = self.objective.mean_loss(answers.float(), batch)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.group.shares(len(chosen)):
            self.group.add_gradients(self.classifier.parameters())
        if self.recipe.regularization.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.classifier.parameters(), self.recipe.regularization.clip_norm)
        step, steps = self.epoch * self.steps + self.step, self.recipe.epochs * self.steps
        self.optimizer.step(factor(self.recipe.schedule, step, steps))
        if self.average:
            self.average.update(self.classifier)
        self.step += 1
        self.tally.add(loss.detach().double() * len(chosen), targets, answers)
        return len(chosen)

    def _taught(self, batch: Batch, chosen: Tensor) -> Batch:
        """Add what the teacher answers to these images, in the precision of the training."""
        if self.teacher is None:
            return batch
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            if self.answers:
                return replace(batch, teacher_nk=self.answers.to(self._view(), chosen, batch.images_nhwc))
            return replace(batch, teacher_nk=self.teacher(batch.images_nhwc))

    def _view(self) -> int:
        """Return the number that this epoch's draws follow from: its own, or that of the view whose turn it is."""
        return self.epoch % self.views if self.views else self.epoch

    def _forward(self, images_nhwc: Tensor) -> Tensor:
        """Map images to logits_nk or maps; where one image leaves a norm nothing to measure, say so."""
        try:
            answers = answered(self.group, self.forward, images_nhwc)
        except ValueError as error:
            if len(images_nhwc) > 1:
                raise
            raise RecipeError(
                f"network {public(self.recipe.network.name)} cannot learn from a batch of one image of this size, and "
                f"with batch_size {self.recipe.batch_size} the last of {len(self.targets)} images is alone. Change "
                "batch_size, or data.validation by one."
            ) from error
        return answers

    def _close_epoch(self, images_per_second: float, seconds_before: float, started: float) -> None:
        """Evaluate, keep the best and the last weights, and only then move the state on: a kill in between repeats."""
        validation = self._evaluate()
        self._refuse_what_diverged(validation[LOSS])
        row = EpochRow(
            epoch=self.epoch + 1,
            seconds=0.0,
            images_per_second=images_per_second,
            learning_rate=self.optimizer.learning_rate,
            train=_figures(self.tally),
            validation=validation,
        )
        self.seconds = seconds_before + now(self.clock) - started
        self.rows.append(EpochRow(**{**vars(row), "seconds": self.seconds}))
        if self.group.is_first:
            self._write_epoch()
        self.epoch, self.step = self.epoch + 1, 0
        self.tally = self.objective.tally()
        self.save_state()

    def _write_epoch(self) -> None:
        if self.recipe.select == "last" or best_index(self.rows) == len(self.rows) - 1:
            self._write_checkpoint(BEST)
        self._write_checkpoint(LAST)
        lines = "".join(documents.to_json(done, indent=None) + "\n" for done in self.rows)
        files.write_text(self.run / run_folder.METRICS, lines)
        if self.answers:
            self.answers.save()

    def _refuse_what_diverged(self, validation_loss: float) -> None:
        """Raise CheckFailed before anything of this epoch is written: weights may break in its very last step, which
        no training loss shows, and be infinite where the validation split does not reach."""
        broken = [name for name, tensor in self.kept.state_dict().items() if not torch.isfinite(tensor).all()]
        losses = {"loss": float(self.tally.loss_sum), "validation loss": validation_loss}
        found = [
            f"the {name} of epoch {self.epoch + 1} is {loss}" for name, loss in losses.items() if not isfinite(loss)
        ]
        found += [f"weights are not finite after epoch {self.epoch + 1} ({broken[0]})"] if broken else []
        if found:
            raise CheckFailed(
                f"training diverged: {found[0]}. The run holds the epochs before. Start another with a lower "
                "--learning-rate, or with --set regularization.clip_norm=1."
            )

    @torch.no_grad()
    def _evaluate(self) -> dict[str, float]:
        """Measure the validation split in float32, as the exported model will compute."""
        self.kept.eval()
        tally = self.objective.tally()
        for start in range(0, len(self.validation_targets), EVALUATION_BATCH):
            part = self.validation_targets[start : start + EVALUATION_BATCH]
            answers = answered(self.group, self.kept, self.validation.between(start, start + EVALUATION_BATCH))
            tally.add(self.objective.loss_sum(answers, part), part, answers)
        return _figures(tally)

    def save_state(self) -> None:
        """Write everything that a resume needs as one file, at once. It is the same in all processes."""
        if not self.group.is_first:
            return
        state = {
            "data": self.data,
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self.seconds,
            "rows": [asdict(row) for row in self.rows],
            "weights": self.classifier.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "loss_sum": self.tally.loss_sum,
            "pairs": self.tally.pairs,
            "bf16": self.bf16,
            "generator": torch.get_rng_state(),
            "average": self.average.state_dict() if self.average else None,
            "cuda_generator": torch.cuda.get_rng_state() if self.device.type == "cuda" else None,
        }
        content = io.BytesIO()  # straight to a file, a full disk would be an error of torch's own
        torch.save(state, content)
        files.write_bytes(self.run / run_folder.STATE, content.getbuffer())

    def restore(self) -> bool:
        """Take up the saved state, and tell whether there was one: else the run starts over, which ends in the same
        weights."""
        content = self.group.from_first(run_folder.state_bytes(self.run) if self.group.is_first else None)
        if content is None:
            return False
        state = run_folder.load_state(self.run, content, self.device)
        run_folder.check_same_data(self.run, state, self.data)
        self.epoch, self.step, self.seconds = state["epoch"], state["step"], state["seconds"]
        self.rows = [documents.decode(EpochRow, row, f"{self.run}: a row of its state") for row in state["rows"]]
        self.classifier.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average:
            self.average.load_state_dict(state["average"])
        self.tally.loss_sum, self.tally.pairs, self.bf16 = state["loss_sum"], state["pairs"], state["bf16"]
        torch.set_rng_state(state["generator"].cpu())
        if self.device.type == "cuda" and state["cuda_generator"] is not None:
            torch.cuda.set_rng_state(state["cuda_generator"].cpu())
        return True

    def _order(self) -> Tensor:
        seed = _seed(self.recipe.seed, self._view())
        return self.images.order(self.recipe.data.sampling, seed)

    def _mirrored(self) -> Tensor:
        """Tell which images the alternating flip mirrors in this epoch."""
        return alternating_flips(len(self.targets), self.recipe.seed, self._view()).to(self.device)

    def _fraction_of_side(self) -> float:
        return progressive.fraction_of_side(self.recipe.progressive, self.epoch, self.recipe.epochs)

    def _freeze(self) -> None:
        """Let the stages learn whose time has come; of the others, also the norms' statistics stand still."""
        reached = sum(self.epoch >= fraction * self.recipe.epochs for fraction in self.recipe.unfreeze_at)
        learning = len(self.stages) if reached == len(self.recipe.unfreeze_at) else 1 + reached
        for index, stage in enumerate(self.stages):
            stage.requires_grad_(index < learning)
            stage.train(index < learning)

    def _progress(self, steps: int, images: int, seconds: float) -> Progress:
        """Say where the training stands, at the pace of the last so many steps, images and seconds."""
        metric, value = next(iter(self.tally.figures().items()))
        steps_left = (self.recipe.epochs - self.epoch) * self.steps - self.step
        return Progress(
            epoch=self.epoch + 1,
            epochs=self.recipe.epochs,
            step=self.step,
            steps=self.steps,
            loss=self.tally.mean_loss,
            metric=metric,
            value=value,
            images_per_second=images / seconds,
            seconds_left=steps_left * seconds / steps,
        )

    def _write_checkpoint(self, name: str) -> None:
        row = self.rows[-1]
        snapshot = Checkpoint(
            recipe=self.recipe,
            labels=self.prepared.train.labels,
            input=self.prepared.shape,
            dataset=self.prepared.record,
            epoch=row.epoch,
            figures=row.validation,
            versions=run_folder.versions(),
            weights=self.kept.state_dict(),
            golden_images_nhwc=torch.from_numpy(self.prepared.golden_nhwc),
        )
        checkpoint.write(self.run / name, snapshot)


def _check_divisible(recipe: Recipe, processes: int) -> None:
    """Raise RecipeError where a network is rewritten, so that its norms and draws are not found in it any more."""
    for key, given in (("compile", recipe.compile), ("quantization", recipe.quantization)):
        if given and processes > 1:
            raise RecipeError(
                f"{key} is for one process, and this training has {processes}. Leave it out, or torchrun."
            )


def _figures(tally: Tally) -> dict[str, float]:
    return {LOSS: tally.mean_loss, **tally.figures()}


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
