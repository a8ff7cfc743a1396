"""What the kit needs to know of any network: the size of its images, and the device and dtype that it works in."""

import torch

SIZE = 224  # pixels a side of the images that SqueezeNet and the judge were trained on


def best_device() -> torch.device:
    """Return the fastest device of this machine.

    Returns
    -------
    torch.device
        cuda, else mps (Apple's GPUs), else cpu.
    """
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def device_of(model: torch.nn.Module) -> torch.device:
    """Return the device of a network's parameters.

    Parameters
    ----------
    model : torch.nn.Module
        Any network.

    Returns
    -------
    torch.device
        That of the first parameter; cpu if there are none.

    Raises
    ------
    ValueError
        If `model` is not a torch.nn.Module.
    """
    if not isinstance(model, torch.nn.Module):
        raise ValueError(f"The model is a {type(model).__name__}; expected a torch.nn.Module, as load_squeezenet() returns it.")
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def like_model(X: torch.Tensor, model: torch.nn.Module) -> torch.Tensor:
    """Copy a tensor to the device and the dtype of a network's parameters.

    Parameters
    ----------
    X : torch.Tensor
        Of any shape; it is left as it is.
    model : torch.nn.Module
        Any network; one without parameters leaves the dtype as it is.

    Returns
    -------
    torch.Tensor
        The copy, detached.

    Raises
    ------
    ValueError
        If `model` is not a torch.nn.Module.
    """
    device = device_of(model)
    dtype = next((parameter.dtype for parameter in model.parameters()), X.dtype)
    return X.detach().to(device, dtype, copy=True)
