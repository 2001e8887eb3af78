from tests.stories.conftest import _surroundings, contracts

__all__ = ["_surroundings", "contracts"]
