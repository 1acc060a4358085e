"""A stranger at the console's pages: a WebDriver script with its own virtual authenticator."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.slow


@pytest.fixture
def driver(give_up: Callable[[str], NoReturn]) -> Iterator[Any]:
    """Chromedriver with Debian's Chromium."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        give_up("no chromedriver; apt-get install chromium-driver runs this")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu"):
        options.add_argument(word)
    made = webdriver.Chrome(options, webdriver.ChromeService(chromedriver))
    yield made
    made.quit()


def test_security_key_is_registered_and_signs_in(driver: Any, console: Any) -> None:
    options = VirtualAuthenticatorOptions()
    options.transport = VirtualAuthenticatorOptions.Transport.USB
    options.has_user_verification = False
    driver.add_virtual_authenticator(options)
    told = console.told

    def press(label: str) -> None:
        """Press a button, and wait for another page."""
        before = driver.find_element(By.TAG_NAME, "main")
        driver.find_element(By.XPATH, f"//button[normalize-space()='{label}']").click()
        WebDriverWait(driver, 20).until(lambda _: _gone(before))

    def sign_in() -> None:
        driver.get(f"{told['console']}/sign-in?account={told['account']}")
        driver.find_element(By.NAME, "user").send_keys("alice")
        driver.find_element(By.NAME, "password").send_keys(told["users"]["alice"]["password"])
        press("Sign in")

    sign_in()
    driver.get(f"{told['console']}/assign")
    driver.find_element(By.NAME, "name").send_keys("key")
    driver.find_element(By.CSS_SELECTOR, "input[value=fido]").click()
    press("Next")
    press("Register security key")
    assert "The MFA device was assigned." in driver.find_element(By.TAG_NAME, "main").text
    press("Sign out")
    sign_in()
    press("Use security key")
    assert "signed in with MFA" in driver.find_element(By.TAG_NAME, "main").text


def _gone(element: Any) -> bool:
    from selenium.common.exceptions import StaleElementReferenceException

    try:
        return not element.is_enabled()
    except StaleElementReferenceException:
        return True
