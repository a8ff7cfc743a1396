"""A loop that forgets to clear the gradient, without the loop: a network that adds all its gradients up."""

import torch


class AccumulatedGradients(torch.nn.Module):
    """A network with the scores of another one, whose gradient at its input is the sum of all it has sent back so far.

    A function that uses only the newest gradient behaves with it like one that never clears its gradient. Make a new one for
    each call.

    Parameters
    ----------
    model : torch.nn.Module
        The other network. It is not changed.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model
        self._total: torch.Tensor | None = None

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the other network's scores.

        Parameters
        ----------
        X : float tensor of shape (N, 3, H, W)
            Images, of the same shape in each call.

        Returns
        -------
        float tensor of shape (N, C)
            The scores.
        """
        if X.requires_grad:
            X = X.view_as(X)  # a hook on X itself would stay there, and count each later gradient twice
            X.register_hook(self._sum_so_far)
        return self.model(X)

    def _sum_so_far(self, gradient: torch.Tensor) -> torch.Tensor:
        self._total = gradient if self._total is None else self._total + gradient
        return self._total
