"""Figures for gradients.test.ts, in double precision. Run: python gradients.py > gradients.json (PyTorch 2.13)."""
import json
import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(7)


def figure(t):
    return {'shape': list(t.shape), 'data': t.detach().reshape(-1).tolist()}


def figures(**tensors):
    return {name: figure(t) for name, t in tensors.items()}


def hessian_vector():
    x, y = torch.randn(6, 4), torch.randn(6, 2)
    w = torch.randn(4, 3, requires_grad=True)
    u = torch.randn(3, 2, requires_grad=True)
    v, z = torch.randn(4, 3), torch.randn(3, 2)
    loss = ((torch.tanh(x @ w) @ u - y) ** 2).mean()
    dw, du = torch.autograd.grad(loss, [w, u], create_graph=True)
    hw, hu = torch.autograd.grad((dw * v).sum() + (du * z).sum(), [w, u])
    return figures(x=x, y=y, w=w, u=u, v=v, z=z, loss=loss, dw=dw, du=du, hw=hw, hu=hu)


def gradient_penalty():
    """One step of a critic with the penalty (|dD/dx| - 1)^2 of Gulrajani et al. 2017."""
    real, fake, mix = torch.randn(5, 3), torch.randn(5, 3), torch.rand(5, 1)
    w = torch.randn(3, 4, requires_grad=True)
    b = torch.randn(4, requires_grad=True)
    u = torch.randn(4, 1, requires_grad=True)
    start = [p.detach().clone() for p in (w, b, u)]

    def loss():
        critic = lambda x: torch.tanh(x @ w + b) @ u
        between = (mix * real + (1 - mix) * fake).requires_grad_()
        slope, = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        penalty = ((slope.norm(dim=1) - 1) ** 2).mean()
        return critic(fake).mean() - critic(real).mean() + 10 * penalty

    before = loss()
    grads = torch.autograd.grad(before, [w, b, u])
    with torch.no_grad():
        for p, g in zip((w, b, u), grads):
            p -= 0.01 * g
    after = loss()
    return figures(real=real, fake=fake, mix=mix, w=start[0], b=start[1], u=start[2], before=before,
                   dw=grads[0], db=grads[1], du=grads[2], w1=w, b1=b, u1=u, after=after)


print(json.dumps({'hessianVector': hessian_vector(), 'gradientPenalty': gradient_penalty()}))
