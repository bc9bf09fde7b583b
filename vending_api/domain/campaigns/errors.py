"""What campaigns refuse: first those who order them, then single meters."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class CampaignUnknown(DomainError):
    """There is no campaign of this name."""

    fault = Fault.NOT_FOUND
    code = "campaign_unknown"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no campaign {name}; see `vending campaign list`")
        self.name = name


class CampaignKnown(DomainError):
    """The name is taken, or the same refund was ordered before under another."""

    fault = Fault.CONFLICT
    code = "campaign_known"

    def __init__(self, name: str, known: str) -> None:
        reason = (
            "a name is used once"
            if name == known
            else f"campaign {known} gives back the very same; say so if it is meant (--again)"
        )
        super().__init__(f"campaign {name} is not proposed: {reason}")
        self.name = name
        self.known = known


class CampaignStepRefused(DomainError):
    """The campaign is not in a state in which this may happen."""

    fault = Fault.REFUSED
    code = "campaign_step_refused"

    def __init__(self, name: str, state: str, event: str) -> None:
        super().__init__(f"campaign {name} is {state}; now nobody can {event} it")
        self.name = name
        self.state = state
        self.event = event


class FourEyesNeeded(DomainError):
    """Whoever proposed a campaign wants to approve it, too."""

    fault = Fault.REFUSED
    code = "four_eyes_needed"

    def __init__(self, name: str, proposed_by: str) -> None:
        super().__init__(f"{proposed_by} proposed campaign {name}; somebody else must approve it")
        self.name = name
        self.proposed_by = proposed_by


class KeyChangeFirst(DomainError):
    """The meter must get another key before it takes anything else."""

    fault = Fault.REFUSED
    code = "key_change_first"

    def __init__(self, external_id: str) -> None:
        super().__init__(f"meter {external_id} needs another key first; change the keys before")
        self.external_id = external_id


class NobodyToTell(DomainError):
    """The tokens should go by message, and no consumer has registered the meter."""

    fault = Fault.REFUSED
    code = "nobody_to_tell"

    def __init__(self, external_id: str) -> None:
        super().__init__(f"no consumer has registered meter {external_id}; nobody can be told")
        self.external_id = external_id
