"""One critic update and one generator update, and the optimiser they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from gansynth.training.losses import LOSSES, one_centred, zero_centred
from gansynth.training.replicas import mean_of_all

WGAN_GP_WEIGHT = 10.0


class Schedule(NamedTuple):
    """Scalars of one step: they change along the run, and are never compiled in."""

    learning_rate: tf.Tensor
    gamma: tf.Tensor
    ema_decay: tf.Tensor
    augmented: tf.Tensor


class Rule(NamedTuple):
    """What both updates of a step go by.

    Attributes
    ----------
    loss : str
        Name of the loss.
    schedule : Schedule
        Learning rate, gamma and share of changed rows of this step.
    beta_2 : float
        Adam's second-moment decay.
    t : tensor
        Number of this step, from 1.
    augment : callable
        Changes rows as the critic is to see them in this step. Of a pair, both rows alike.
    """

    loss: str
    schedule: Schedule
    beta_2: float
    t: tf.Tensor
    augment: Callable[[tf.Tensor], tf.Tensor]


class Player:
    """A network and the second moments of its gradients."""

    def __init__(self, network: keras.Model) -> None:
        self.network = network
        self.weights = network.trainable_variables
        self.moments = [tf.Variable(tf.zeros_like(w), trainable=False) for w in self.weights]
        # The fused kernel keeps first moments too: those of the last step alone, at beta_1 = 0,
        # but with the rounding of the steps before.
        self.first = [tf.Variable(tf.zeros_like(w), trainable=False) for w in self.weights]

    def descend(self, gradients: Sequence[tf.Tensor], rule: Rule) -> None:
        """Update by Adam with beta_1 = 0 (Kingma and Ba 2015), one kernel a weight.

        Replicas descend by the mean of their gradients.
        """
        gradients = mean_of_all(list(gradients))
        beta_2_power = tf.pow(rule.beta_2, tf.cast(rule.t, tf.float32))
        for weight, first, moment, gradient in zip(
            self.weights, self.first, self.moments, gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=first.handle,
                v=moment.handle,
                beta1_power=0.0,
                beta2_power=beta_2_power,
                lr=rule.schedule.learning_rate,
                beta1=0.0,
                beta2=rule.beta_2,
                epsilon=1e-8,
                grad=gradient,
            )

    def reset(self, fresh: keras.Model) -> None:
        """Take over the weights of a freshly built network, and forget the moments."""
        for weight, value in zip(self.network.weights, fresh.weights, strict=True):
            weight.assign(value)
        for moment in (*self.first, *self.moments):
            moment.assign(tf.zeros_like(moment))


def critic_update(
    critic: Player,
    real: tf.Tensor,
    fake: tf.Tensor,
    condition: list[tf.Tensor],
    mix: tf.Tensor,
    rule: Rule,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Move the critic to tell real from generated rows; return its loss and penalty.

    Parameters
    ----------
    critic : Player
        Moved.
    real, fake : tensor, shape (batch, …)
        Rows, paired by index.
    condition : list of tensor
        Class codes of the pairs, shape (batch,); or nothing.
    mix : tensor, shape (batch, 1, …)
        Where between real and generated rows WGAN-GP's penalty is taken, from 0 to 1.
    rule : Rule
        Loss, rates and weights.
    """
    with tf.GradientTape() as tape:
        with tf.GradientTape() as rows_tape:
            # One pass over both kinds of rows: no row depends on another.
            rows = tf.concat([real, fake], axis=0)
            rows_tape.watch(rows)
            both = [tf.concat([c, c], axis=0) for c in condition]
            logits = call(critic.network, rule.augment(rows), both)
        adversarial, _ = LOSSES[rule.loss](*tf.split(logits, 2))
        if rule.loss == "wgan-gp":
            weight, penalty = WGAN_GP_WEIGHT, _wgan_gp(critic, real, fake, condition, mix, rule)
        else:
            weight, penalty = rule.schedule.gamma, zero_centred(rows_tape.gradient(logits, rows))
        total = adversarial + weight * penalty
    critic.descend(tape.gradient(total, critic.weights), rule)
    return adversarial, penalty


def generator_update(
    generator: Player,
    critic: Player,
    real: tf.Tensor,
    fake: tf.Tensor,
    tape: tf.GradientTape,
    condition: list[tf.Tensor],
    rule: Rule,
) -> tf.Tensor:
    """Move the generator to pass for real; return its loss.

    The rows are those that the critic has just been moved by, and ``tape`` is what made
    them: generating others would cost a pass and teach nothing more.
    """
    real_logits = call(critic.network, rule.augment(real), condition)
    with tf.GradientTape() as rows_tape:
        rows_tape.watch(fake)
        fake_logits = call(critic.network, rule.augment(fake), condition)
        _, adversarial = LOSSES[rule.loss](real_logits, fake_logits)
    # Back through the critic for generated rows alone, then through the generator.
    slopes = rows_tape.gradient(adversarial, fake)
    generator.descend(tape.gradient(fake, generator.weights, output_gradients=slopes), rule)
    return adversarial


def call(network: keras.Model, rows: tf.Tensor, condition: list[tf.Tensor]) -> tf.Tensor:
    """Run a network; whatever precision it computes in, its output is float32."""
    return tf.cast(network([rows, *condition], training=True), tf.float32)


def _wgan_gp(
    critic: Player,
    real: tf.Tensor,
    fake: tf.Tensor,
    condition: list[tf.Tensor],
    mix: tf.Tensor,
    rule: Rule,
) -> tf.Tensor:
    """Penalty of WGAN-GP, between real and generated rows."""
    with tf.GradientTape() as tape:
        between = mix * real + (1.0 - mix) * fake
        tape.watch(between)
        logits = call(critic.network, rule.augment(between), condition)
    return one_centred(tape.gradient(logits, between))
