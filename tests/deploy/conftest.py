from tests.stories.conftest import _surroundings

__all__ = ["_surroundings"]
