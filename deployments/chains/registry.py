"""Which networks can be issued on here: their nodes and keys, as the settings name them."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from accounts.arc14.chain import AlgodNode
from accounts.networks import Network, known_network
from deployments.chains.port import Chain
from deployments.chains.signers import KeyFile, KeyUnreadable

_NODE_KEYS: Final = {"avm": ("algod", "indexer"), "evm": ("rpc",)}
_NO_HTTP: Final = "DEPLOYMENT_NODES names an address of {} that is no http(s) one"


class NotConfigured(Exception):
    """Nothing can be issued on this network here; `public` is what a caller may read."""

    public = "Tokens cannot be issued on this network here: the operator has not set it up."


def chain_for(name: str) -> Chain:
    """Return the network's chain. Raises `NotConfigured`."""
    network = known_network(name)
    node = settings.DEPLOYMENT_NODES.get(name)
    if network is None or not isinstance(node, Mapping):
        raise NotConfigured(f"DEPLOYMENT_NODES names no node of {name}")
    missing = [key for key in _NODE_KEYS[network.kind] if not node.get(key)]
    if missing:
        raise NotConfigured(f"DEPLOYMENT_NODES names no {missing[0]} of {name}")
    keys = settings.DEPLOYMENT_KEY_FILES
    path = keys.get(name) or keys.get(network.kind)
    if not path:
        raise NotConfigured(f"DEPLOYMENT_KEY_FILES names no key of {name}")
    signer = _signer(str(path), network.kind)
    try:
        signer.address()
    except KeyUnreadable as problem:
        raise NotConfigured(str(problem)) from None
    return _MAKERS[network.kind](network, node, signer)


def networks_set_up() -> list[str]:
    """Return the networks that can be issued on, by name."""
    found = []
    for name in sorted(settings.DEPLOYMENT_NODES):
        try:
            chain_for(name)
        except NotConfigured:
            continue
        found.append(name)
    return found


@lru_cache(maxsize=16)
def _signer(path: str, kind: Any) -> KeyFile:
    return KeyFile(Path(path), kind)


def _algorand(network: Network, node: Mapping[str, Any], signer: KeyFile) -> Chain:
    from deployments.chains.algorand import AlgorandChain

    try:
        algod = AlgodNode(node["algod"], node.get("algodToken", ""))
        indexer = AlgodNode(node["indexer"], node.get("indexerToken", ""))
    except ValueError:
        raise NotConfigured(_NO_HTTP.format(network.name)) from None
    return AlgorandChain(network, signer, algod=algod, indexer=indexer)


def _evm(network: Network, node: Mapping[str, Any], signer: KeyFile) -> Chain:
    from deployments.chains.evm import EvmChain  # web3 takes half a second to import

    try:
        return EvmChain(network, signer, rpc_url=node["rpc"], rpc_token=node.get("rpcToken", ""))
    except ValueError:
        raise NotConfigured(_NO_HTTP.format(network.name)) from None


_MAKERS: Final[Mapping[str, Callable[[Network, Mapping[str, Any], KeyFile], Chain]]] = {
    "avm": _algorand,
    "evm": _evm,
}
