"""What every section of the configuration is made of: its base class and the types of its values."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Proportion = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]  # a part of file names and shell commands
# a path that settings leave out where none is named, so that such a key alone changes nothing that a stage is given
OptionalPath = Annotated[str | None, Field(exclude_if=lambda path: path is None)]


class Section(BaseModel):
    """A part of the configuration; refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
